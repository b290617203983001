import { type Detector, eachMatch } from './detector.ts';

/**
 * IBANs (ISO 13616): a country that has them, its length, the MOD 97-10 check. Written in one piece or in groups of four.
 */

/** Length by country, from the SWIFT registry. */
const LENGTHS: Readonly<Record<string, number>> = Object.fromEntries(
  [
    'AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BI27 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DJ27 DK18 DO28 EE20 EG29 ES24',
    'FI18 FK18 FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HN28 HR21 HU28 IE22 IL23 IQ23 IS26 IT27 JO30 KW30 KZ20 LB28 LC32',
    'LI21 LT20 LU20 LV21 LY25 MC27 MD24 ME22 MK19 MN20 MR27 MT31 MU30 NI28 NL18 NO15 OM23 PK24 PL28 PS29 PT25 QA29 RO24',
    'RS22 RU33 SA24 SC31 SD18 SE24 SI19 SK24 SM27 SO23 ST25 SV28 TL23 TN24 TR26 UA29 VA22 VG24 XK20 YE30',
  ]
    .join(' ')
    .split(' ')
    .map((entry) => [entry.slice(0, 2), Number(entry.slice(2))]),
);

const BEGINNING = /(?<![A-Za-z0-9])[A-Za-z]{2}[0-9]{2}/g;
const MAY_BEGIN = /(?<![A-Za-z0-9])[A-Za-z]{1,2}[0-9]{0,2}$/;
const GROUP = /[ .-]?[A-Za-z0-9]{1,4}/y;
const REST = /[A-Za-z0-9]*/y;
const NEXT = /[A-Za-z0-9]/;
/** Characters of an unfinished one that may be shown: country, check digits, and what names the bank. */
const SHOWABLE = 8;

/** MOD 97-10 of ISO 7064, digit by digit. */
function checks(iban: string): boolean {
  let rest = 0;
  for (const character of iban.slice(4) + iban.slice(0, 4)) {
    const value = Number.parseInt(character, 36);
    rest = (rest * (value > 9 ? 100 : 10) + value) % 97;
  }
  return rest === 1;
}

interface Reading {
  iban: string;
  end: number;
}

/** In one piece: all that follows; it must have the length already. */
function inOnePiece(text: string, start: number): Reading {
  REST.lastIndex = start;
  REST.test(text);
  return { iban: text.slice(start, REST.lastIndex), end: REST.lastIndex };
}

/** In groups of four, the last one shorter, with the same separator between all of them. */
function inGroups(text: string, start: number, length: number): Reading {
  const separator = text.charAt(start + 4);
  let iban = text.slice(start, start + 4);
  let end = start + 4;
  while (iban.length < length) {
    GROUP.lastIndex = end;
    const group = GROUP.exec(text)?.[0];
    if (group === undefined || group[0] !== separator) break;
    const wanted = Math.min(4, length - iban.length);
    iban += group.slice(1, 1 + wanted);
    end += 1 + Math.min(group.length - 1, wanted);
    if (group.length - 1 < wanted) break;
  }
  return { iban, end };
}

export const iban: Detector = {
  shortest: 15,
  hint: /[A-Za-z]{2}[0-9]{2}/,
  scan(text, from, ended, found) {
    let settled = text.length;
    eachMatch(BEGINNING, text, from, ({ index, 0: head }) => {
      const length = LENGTHS[head.slice(0, 2).toUpperCase()];
      if (length === undefined) return;
      const after = text.charAt(index + 4);
      const { iban: read, end } = NEXT.test(after) ? inOnePiece(text, index) : inGroups(text, index, length);
      if (end === text.length && read.length <= length) {
        settled = Math.min(settled, index);
        if (read.length > SHOWABLE) found.partial(index);
      }
      if (end < text.length && end + 1 === text.length && /[ .-]/.test(text.charAt(end)) && read.length < length) {
        settled = Math.min(settled, index);
      }
      if (read.length === length && !NEXT.test(text.charAt(end)) && checks(read)) found.match(index, end);
    });
    const beginning = MAY_BEGIN.exec(text);
    if (beginning !== null) settled = Math.min(settled, beginning.index);
    return ended ? text.length : settled;
  },
};
