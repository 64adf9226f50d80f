/** What stands around an action of a template. */
export type Delimiters = readonly [left: string, right: string];

export const GO_DELIMITERS: Delimiters = ['{{', '}}'];
