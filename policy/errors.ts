import { ACTIVATION_ERRORS } from './error-codes/activation.ts';
import { AUTHORING_ERRORS } from './error-codes/authoring.ts';
import { BUNDLE_ERRORS } from './error-codes/bundle.ts';
import { BUNDLE_LIFE_ERRORS } from './error-codes/bundle-life.ts';
import { CAPTURE_ERRORS } from './error-codes/capture.ts';
import { COMMAND_LINE_ERRORS } from './error-codes/command-line.ts';
import { COMPILER_ERRORS } from './error-codes/compiler.ts';
import { DECISION_ERRORS } from './error-codes/decision.ts';
import { GATEWAY_ERRORS } from './error-codes/gateway.ts';
import { GATEWAY_REPORT_ERRORS } from './error-codes/gateway-reports.ts';
import { LIMITS_ERRORS } from './error-codes/limits.ts';
import { MAPPING_ERRORS } from './error-codes/mapping.ts';
import { OPENAPI_ERRORS } from './error-codes/openapi.ts';
import { OPERATION_ERRORS } from './error-codes/operation.ts';
import { OPERATOR_ERRORS } from './error-codes/operator.ts';
import { OPERATOR_BUNDLES_ERRORS } from './error-codes/operator-bundles.ts';
import { OPERATOR_INJECTION_ERRORS } from './error-codes/operator-injection.ts';
import { OPERATOR_SERVING_ERRORS } from './error-codes/operator-serving.ts';
import { OPERATOR_WEBHOOK_ERRORS } from './error-codes/operator-webhook.ts';
import { POD_CAPTURE_ERRORS } from './error-codes/pod-capture.ts';
import { SANITIZE_ERRORS } from './error-codes/sanitize.ts';
import { SOURCE_ERRORS } from './error-codes/source.ts';
import { UPSTREAM_ERRORS } from './error-codes/upstream.ts';
import { VALIDATION_ERRORS } from './error-codes/validation.ts';

/**
 * The one registry of error codes, put together from `error-codes/`. Every error or finding that a user can meet has a
 * stable code here, with a one-line meaning and what to do about it. Codes are never renamed or reused.
 */
export const ERRORS = {
  ...SOURCE_ERRORS,
  ...VALIDATION_ERRORS,
  ...COMPILER_ERRORS,
  ...BUNDLE_ERRORS,
  ...BUNDLE_LIFE_ERRORS,
  ...ACTIVATION_ERRORS,
  ...DECISION_ERRORS,
  ...MAPPING_ERRORS,
  ...GATEWAY_ERRORS,
  ...GATEWAY_REPORT_ERRORS,
  ...LIMITS_ERRORS,
  ...CAPTURE_ERRORS,
  ...POD_CAPTURE_ERRORS,
  ...SANITIZE_ERRORS,
  ...UPSTREAM_ERRORS,
  ...OPENAPI_ERRORS,
  ...OPERATION_ERRORS,
  ...OPERATOR_ERRORS,
  ...COMMAND_LINE_ERRORS,
  ...AUTHORING_ERRORS,
  ...OPERATOR_BUNDLES_ERRORS,
  ...OPERATOR_SERVING_ERRORS,
  ...OPERATOR_WEBHOOK_ERRORS,
  ...OPERATOR_INJECTION_ERRORS,
} as const;

export type ErrorCode = keyof typeof ERRORS;

/** Where in a source something stands. Lines and columns count from 1. */
export interface SourceLocation {
  file: string;
  line: number;
  column: number;
}

export type Severity = 'error' | 'warning' | 'info';

/** One thing that is wrong with a resource, found offline or by the operator. */
export interface Finding {
  code: ErrorCode;
  severity: Severity;
  /** What is wrong, in one sentence, without secret values. */
  message: string;
  /** What to do; the registry's text where nothing more precise is known. */
  fix?: string;
  /** `Kind namespace/name` of the resource it is about. */
  resource?: string;
  /** JSON path inside the resource, e.g. `spec.rules[0].conditions.maxAmount`. */
  field?: string;
  location?: SourceLocation;
}

/** The only error class that is thrown on purpose: a registered code, a message, and optionally a place. */
export class AegisError extends Error {
  readonly code: ErrorCode;
  readonly location: SourceLocation | undefined;

  constructor(code: ErrorCode, message: string, options: { cause?: unknown; location?: SourceLocation } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'AegisError';
    this.code = code;
    this.location = options.location;
  }

  /** What the user can do about it. */
  get fix(): string {
    return ERRORS[this.code].fix;
  }
}
