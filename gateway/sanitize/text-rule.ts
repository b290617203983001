import type { Detector } from './detectors/detector.ts';
import type { RedactOp } from './replace-text.ts';

/** One detector and what becomes of what it finds. */
export interface TextRule {
  detector: Detector;
  op: RedactOp;
}
