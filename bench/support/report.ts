import { rounded } from './statistics.ts';

/** What a benchmark measured; the keys are those of the design's table of figures. */
export type Figures = Record<string, number>;

/** The last line of a benchmark: one JSON object. */
export function figuresLine(figures: Figures): string {
  return JSON.stringify(
    Object.fromEntries(Object.entries(figures).map(([key, value]) => [key, Number(rounded(value))])),
  );
}
