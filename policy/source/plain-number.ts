const JSON_NUMBER = /^-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?$/;

/**
 * The value of a plain YAML scalar that the core schema takes for a number, or why it is refused. Accepted is what
 * JSON accepts and what a double keeps exactly: other spellings (`0x1F`, `0o17`, `007`, `+1`, `.5`, `.nan`) mean
 * different things to different parsers, and an amount must not change by being read.
 */
export function plainNumber(literal: string): number | { refused: string } {
  if (/^[-+]?\.(?:inf|nan)$/i.test(literal)) return { refused: 'it is not a finite number' };
  if (/^[-+]?0[xob]/i.test(literal)) return { refused: 'hexadecimal, octal and binary numbers are not read alike' };
  if (/^[-+]?0[0-9]/.test(literal)) return { refused: 'a number with leading zeros is octal to some parsers' };
  if (!JSON_NUMBER.test(literal)) return { refused: 'it is not written as a JSON number' };
  const value = Number(literal);
  const integer = /^-?[0-9]+$/.test(literal);
  if ((integer && !Number.isSafeInteger(value)) || !sameDecimal(literal, value)) {
    return { refused: 'it has more digits than a number keeps exactly' };
  }
  return value === 0 ? 0 : value;
}

function sameDecimal(literal: string, value: number): boolean {
  return Number.isFinite(value) && canonical(literal) === canonical(String(value));
}

/** Sign, digits without zeros at either end, and power of ten: equal for equal decimals. */
function canonical(literal: string): string {
  const [, sign = '', whole = '', fraction = '', exponent = '0'] =
    /^(-?)([0-9]+)(?:\.([0-9]+))?(?:[eE]([+-]?[0-9]+))?$/.exec(literal) ?? [];
  const digits = `${whole}${fraction}`.replace(/^0+/, '');
  const significant = digits.replace(/0+$/, '');
  if (significant === '') return '0';
  const power = Number(exponent) - fraction.length + (digits.length - significant.length);
  return `${sign}${significant}e${power}`;
}
