import type { ErrorCode, Severity } from '../errors.ts';
import type { FieldPath } from '../resources/resource.ts';

/** A finding before it is tied to a resource and a line; `path` starts at the resource's root. */
export interface Problem {
  code: ErrorCode;
  severity: Severity;
  message: string;
  path: FieldPath;
}

/**
 * Collects problems. A platform policy meets contracts that its author cannot know, and a tenant must not escape it by
 * a contract that lacks something: there, what does not fit a contract is a warning, and the condition never holds.
 */
export class Problems {
  readonly list: Problem[] = [];
  readonly platform: boolean;

  constructor(platform = false) {
    this.platform = platform;
  }

  /** Something that the tool's contract lacks or has otherwise. */
  contract(code: ErrorCode, path: FieldPath, message: string): void {
    this.list.push({ code, severity: this.platform ? 'warning' : 'error', message, path });
  }

  error(code: ErrorCode, path: FieldPath, message: string): void {
    this.list.push({ code, severity: 'error', message, path });
  }

  warning(code: ErrorCode, path: FieldPath, message: string): void {
    this.list.push({ code, severity: 'warning', message, path });
  }
}
