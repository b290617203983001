import type { Detector } from './detector.ts';
import { labelBeginnings, labelPattern, scanLabelled, unfinishedLabel } from './labels.ts';

/** Dates behind a label that makes them a date of birth: ISO 8601, numeric and written forms, a year alone. */

const PHRASES = ['date of birth', 'birth date', 'birthday', '^dob', '^born', 'geburtsdatum', 'date de naissance'];
const MONTH = '(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]{0,6}';
const DATE = new RegExp(
  [
    '[0-9]{4}[-/.][0-9]{1,2}[-/.][0-9]{1,2}',
    '[0-9]{1,2}[-/. ]{1,2}[0-9]{1,2}[-/. ]{1,2}[0-9]{2,4}',
    `[0-9]{1,2}(?:st|nd|rd|th)?\\.? ${MONTH}\\.?,? [0-9]{4}`,
    `${MONTH}\\.? [0-9]{1,2}(?:st|nd|rd|th)?,? [0-9]{4}`,
    '[0-9]{4}-[0-9]{2}',
    '[0-9]{8}',
    '[0-9]{4}',
  ].join('|'),
  'iy',
);

const BEGINNINGS = labelBeginnings(PHRASES);
const LABELLED = { label: labelPattern([...PHRASES, 'patientdob', 'userdob']), value: DATE, longest: 24 };

export const dateOfBirth: Detector = {
  shortest: 4,
  hint: /[0-9]{4}|[0-9]{1,2}[-/. ]/,
  label: LABELLED.label,
  scan(text, from, ended, found) {
    const labelled = scanLabelled(text, from, LABELLED, found);
    return ended ? text.length : Math.min(labelled, unfinishedLabel(text, BEGINNINGS));
  },
};
