/** What seldom runs bring about, and a good many of them must have: each is counted where it is judged. */
export const SEEN = [
  "memory found damaged",
  "answers nothing or again",
  "quarantine by digest",
  "quarantine by sweep",
  "quarantine over a restart",
  "other state told",
  "no majority told",
  "repaired",
  "two damaged at once",
  "rot repaired",
] as const;

/** One of them. */
export type Seen = typeof SEEN[number];
