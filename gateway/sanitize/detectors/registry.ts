import type { DetectorName } from '../../../policy/sanitize/detectors.ts';
import { dateOfBirth } from './date-of-birth.ts';
import type { Detector } from './detector.ts';
import { email } from './email.ts';
import { iban } from './iban.ts';
import { ipAddress } from './ip-address.ts';
import { mrn } from './mrn.ts';
import { paymentCard } from './payment-card.ts';
import { phone } from './phone.ts';
import { secret } from './secret.ts';
import { usSsn } from './us-ssn.ts';

/** One implementation for each name that a policy can write. */
export const DETECTOR_OF: Readonly<Record<DetectorName, Detector>> = {
  email,
  phone,
  'payment-card': paymentCard,
  iban,
  'us-ssn': usSsn,
  mrn,
  secret,
  'ip-address': ipAddress,
  'date-of-birth': dateOfBirth,
};
