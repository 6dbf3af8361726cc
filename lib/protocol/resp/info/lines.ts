/** What a section of INFO is made of. */

/** Fields and their values, in the order in which they are shown. */
export type Lines = readonly (readonly [name: string, value: string | number])[];
