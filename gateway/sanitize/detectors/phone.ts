import { CharacterSet, countDigits, type Detector, eachMatch, type Findings, tailStart } from './detector.ts';
import { labelBeginnings, labelPattern, scanLabelled, unfinishedLabel } from './labels.ts';

/**
 * Phone numbers: international (`+` or `00` and 8 to 15 digits, ITU-T E.164), North American `NXX-NXX-XXXX` with its
 * separators, national numbers that begin with 0 and stand in groups, and any number behind a label such as `tel`. A bare
 * run of digits is none.
 */

const PHRASES = ['^phone', 'telephone', '^tel', '^mobile', '^cell', '^fax', 'msisdn', 'whatsapp', '^telefon', '^handy'];
const FIELDS = ['phonenumber', 'homephone', 'workphone', 'mobilephone', 'cellphone', 'customerphone', 'userphone'];
const INTERNATIONAL = /(?<![0-9A-Za-z+])\+ ?[1-9](?:[ .\-/()]{0,3}[0-9]){6,14}(?![0-9])/g;
const DOUBLE_ZERO = /(?<![0-9A-Za-z+.-])00[1-9](?:[ .\-/()]{0,3}[0-9]){7,13}(?![0-9])/g;
const NORTH_AMERICAN =
  /(?<![0-9A-Za-z+.-])(?:1[ .-]?)?(?:\(([2-9][0-9]{2})\) ?|([2-9][0-9]{2})[ .-])[2-9][0-9]{2}([ .-])[0-9]{4}(?![0-9A-Za-z]|[.-][0-9])/g;
const NATIONAL =
  /(?<![0-9A-Za-z+.-])(?:\(0[0-9]{1,5}\)|0[0-9]{1,5})[ /.-]{1,3}[0-9]{2,8}(?:[ .-][0-9]{2,8}){0,4}(?![0-9A-Za-z]|[.-][0-9])/g;
const LONGEST = 64;
const SHOWABLE = 6;
const UNFINISHED = /(?<![0-9A-Za-z+])\+ ?[1-9][0-9 .\-/()]*$/;

const RUN = new CharacterSet(/[0-9+ .\-/()]/);
const belongs = (code: number): boolean => RUN.has(code);

const BEGINNINGS = labelBeginnings(PHRASES);
const LABELLED = {
  label: labelPattern([...PHRASES, ...FIELDS]),
  value: /\+?\(?[0-9](?:[ .\-/()]{0,2}[0-9]){5,14}(?![0-9])/y,
  longest: 48,
};

function northAmerican(match: RegExpExecArray, found: Findings): void {
  const [all, inBrackets, area = inBrackets ?? ''] = match;
  if (!area.endsWith('11')) found.match(match.index, match.index + all.length);
}

/** Groups of one number are separated alike; a date with a time behind it is not. */
function national(match: RegExpExecArray, found: Findings): void {
  const [all] = match;
  const digits = countDigits(all);
  const [, ...separators] = all.replaceAll(/[()]/g, '').match(/[ /.-]+/g) ?? [];
  if (digits >= 9 && digits <= 12 && new Set(separators).size <= 1) found.match(match.index, match.index + all.length);
}

export const phone: Detector = {
  shortest: 6,
  hint: /[0-9]/,
  label: LABELLED.label,
  scan(text, from, ended, found) {
    const whole = (match: RegExpExecArray): void => found.match(match.index, match.index + match[0].length);
    eachMatch(INTERNATIONAL, text, from, whole);
    eachMatch(DOUBLE_ZERO, text, from, (match) => {
      if (/[^0-9]/.test(match[0])) whole(match);
    });
    eachMatch(NORTH_AMERICAN, text, from, (match) => northAmerican(match, found));
    eachMatch(NATIONAL, text, from, (match) => national(match, found));
    const labelled = scanLabelled(text, from, LABELLED, found);
    if (ended) return text.length;
    const run = tailStart(text, belongs, LONGEST);
    const unfinished = UNFINISHED.exec(text.slice(run));
    if (unfinished !== null && countDigits(unfinished[0]) > SHOWABLE) found.partial(run + unfinished.index);
    return Math.min(labelled, run, unfinishedLabel(text, BEGINNINGS));
  },
};
