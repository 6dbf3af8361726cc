/** The version of Redis whose commands and texts this server has: clients choose by it what they send. */

/** What INFO and HELLO tell. */
export const REDIS_VERSION = "7.0.15";
