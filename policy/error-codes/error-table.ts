/** Meaning and remedy per code. */
export type ErrorTable = Record<string, { summary: string; fix: string }>;
