import type { ErrorCode } from '../../policy/errors.ts';

/** A value as somebody wrote it, and where. */
export interface GivenValue {
  key: string;
  /** `--agent`, `AEGIS_GATEWAY_AGENT`, or `settings.yaml:3`. */
  origin: string;
  /** A text to be read, or a value of the settings file. */
  given: { text: string } | { value: unknown };
}

/** One thing that is wrong with the settings. The message never holds a value: it might be a secret. */
export interface SettingProblem {
  code: ErrorCode;
  message: string;
  origin?: string;
}

/** What one place says: values of known settings, and what is wrong there. */
export interface GivenValues {
  values: GivenValue[];
  problems: SettingProblem[];
}
