import { type Detector, eachMatch } from './detector.ts';
import { labelBeginnings, labelPattern, scanLabelled, unfinishedLabel } from './labels.ts';

/**
 * Medical record numbers have no form of their own. Found by their label, as the value of a FHIR Identifier (its key
 * `value` below `identifier`), and as the id of an HL7 v2 CX field whose identifier type is MR (table 0203).
 */

const PHRASES = [
  'mrn',
  '^mr#',
  '^mr no',
  '^mr number',
  'medical record',
  'med rec',
  'patient number',
  'patient no',
  'chart number',
  'chart no',
  'hospital number',
  'hospital no',
  '^identifier value',
];
const FHIR_OR_HL7 = /(?<![^|^~&\s])([^|^~&\s]{1,20})\^[^|~\r\n]{0,60}\^MR(?![A-Za-z])/g;
const UNFINISHED_HL7 = /(?<![^|^~&\s])[^|^~&\s]{1,20}(?:\^[^|~\r\n]{0,64})?$/;

const BEGINNINGS = labelBeginnings(PHRASES);
const LABELLED = {
  label: labelPattern(PHRASES),
  value: /[A-Za-z0-9](?:[A-Za-z0-9/.-]{0,22}[A-Za-z0-9])?(?![A-Za-z0-9])/y,
  longest: 26,
  accepts: (value: string) => /[0-9]/.test(value) && value.length > 1,
};

export const mrn: Detector = {
  shortest: 2,
  hint: /[0-9]/,
  label: LABELLED.label,
  scan(text, from, ended, found) {
    const labelled = scanLabelled(text, from, LABELLED, found);
    eachMatch(FHIR_OR_HL7, text, from, ({ index, 1: id = '' }) => found.match(index, index + id.length));
    if (ended) return text.length;
    const field = UNFINISHED_HL7.exec(text.slice(-96));
    const open = field === null ? text.length : Math.max(0, text.length - 96) + field.index;
    return Math.min(labelled, open, unfinishedLabel(text, BEGINNINGS));
  },
};
