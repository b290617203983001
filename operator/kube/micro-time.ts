/** Ms since the epoch as the API's MicroTime: RFC 3339 with exactly six decimals, or the API server refuses it. */
export function microTime(ms: number): string {
  return new Date(ms).toISOString().replace('Z', '000Z');
}
