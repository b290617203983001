/**
 * The detectors that a policy or tool can name. The gateway implements each of them; the compiler refuses any other
 * name, because what nobody finds would pass.
 */
export const DETECTORS = {
  email: { aliases: ['e-mail'], description: 'E-mail addresses.' },
  phone: { aliases: ['phone-number'], description: 'Phone numbers: international, and common national forms.' },
  'payment-card': { aliases: ['credit-card', 'card'], description: 'Payment card numbers: network, length and Luhn.' },
  iban: { aliases: [], description: 'IBANs: country, length and check digits.' },
  'us-ssn': { aliases: ['ssn'], description: 'US Social Security numbers that can have been issued.' },
  mrn: { aliases: ['medical-record-number'], description: 'Medical record numbers, by their label.' },
  secret: { aliases: ['secrets', 'credential'], description: 'API keys, tokens, private keys, labelled passwords.' },
  'ip-address': { aliases: ['ip'], description: 'IPv4 and IPv6 addresses.' },
  'date-of-birth': { aliases: ['dob'], description: 'Dates of birth, by their label.' },
} as const satisfies Record<string, { aliases: readonly string[]; description: string }>;

export type DetectorName = keyof typeof DETECTORS;

const BY_NAME: ReadonlyMap<string, DetectorName> = new Map(
  (Object.keys(DETECTORS) as DetectorName[]).flatMap((name) =>
    [name, ...DETECTORS[name].aliases].map((known): [string, DetectorName] => [known, name]),
  ),
);

/** Every name that may be written, aliases included. */
export const DETECTOR_NAMES: readonly string[] = [...BY_NAME.keys()];

/** The detector behind a name or alias. */
export function detectorNamed(name: string): DetectorName | undefined {
  return BY_NAME.get(name);
}

/** RFC 6901 section 3, and not the whole document. */
const POINTER = /^(?:\/(?:[^~/]|~[01])*)+$/;

/** What is wrong with where a response change looks; undefined where a gateway can carry it out. */
export function responseTargetProblem(target: { pointer?: string; detector?: string }): string | undefined {
  const { pointer, detector } = target;
  if (detector !== undefined && detectorNamed(detector) === undefined) {
    return `There is no detector "${detector}"; there are ${Object.keys(DETECTORS).join(', ')}.`;
  }
  if (pointer !== undefined && !POINTER.test(pointer)) return `"${pointer}" is not a JSON pointer.`;
  return undefined;
}
