import { type Detector, eachMatch, tailStart } from './detector.ts';
import { labelBeginnings, labelPattern, scanLabelled, unfinishedLabel } from './labels.ts';

/**
 * US Social Security numbers that can have been issued (SSA POMS RM 10201.035: no area 000, 666 or 900 to 999, no group
 * 00, no serial 0000): in the form 3-2-4 with dashes, dots or spaces, and as nine digits behind a label.
 */

const PHRASES = ['^ssn', 'social security', 'soc sec', '^ss#', 'social insurance'];
const GROUPED = /(?<![0-9])([0-9]{3})([-.]| ?- ?| )([0-9]{2})\2([0-9]{4})(?![0-9])/g;
const PLAIN = /[0-9]{9}(?![0-9])/y;
const UNFINISHED = /[0-9]{3}(?:[-.]| ?- ?| )[0-9]{2}(?:[-.]| ?- ?| )[0-9]+$/;
const LONGEST = 15;

function canBeIssued(area: string, group: string, serial: string): boolean {
  return area !== '000' && area !== '666' && area < '900' && group !== '00' && serial !== '0000';
}

const BEGINNINGS = labelBeginnings(PHRASES);
const LABELLED = {
  label: labelPattern([...PHRASES, 'patientssn', 'userssn', 'customerssn', 'employeessn']),
  value: PLAIN,
  accepts: (digits: string) => canBeIssued(digits.slice(0, 3), digits.slice(3, 5), digits.slice(5)),
};

const belongs = (code: number): boolean =>
  (code >= 0x30 && code <= 0x39) || code === 0x2d || code === 0x2e || code === 0x20;

export const usSsn: Detector = {
  shortest: 9,
  hint: /[0-9]{3}/,
  label: LABELLED.label,
  scan(text, from, ended, found) {
    eachMatch(GROUPED, text, from, (match) => {
      const [all, area = '', , group = '', serial = ''] = match;
      if (canBeIssued(area, group, serial)) found.match(match.index, match.index + all.length);
    });
    const labelled = scanLabelled(text, from, LABELLED, found);
    if (ended) return text.length;
    const unfinished = UNFINISHED.exec(text.slice(-LONGEST));
    if (unfinished !== null) found.partial(text.length - Math.min(text.length, LONGEST) + unfinished.index);
    return Math.min(labelled, tailStart(text, belongs, LONGEST), unfinishedLabel(text, BEGINNINGS));
  },
};
