import type { ErrorCode, Severity } from '../errors.ts';
import type { FieldPath } from '../resources/resource.ts';

/** A finding before it is tied to a resource and a line; `path` starts at the resource's root. */
export interface Problem {
  code: ErrorCode;
  severity: Severity;
  message: string;
  path: FieldPath;
  /** What to do, where more is known than the code says. */
  fix?: string;
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
  contract(code: ErrorCode, path: FieldPath, message: string, fix?: string): void {
    const severity = this.platform ? 'warning' : 'error';
    this.list.push({ code, severity, message, path, ...(fix === undefined ? {} : { fix }) });
  }

  error(code: ErrorCode, path: FieldPath, message: string, fix?: string): void {
    this.list.push({ code, severity: 'error', message, path, ...(fix === undefined ? {} : { fix }) });
  }

  warning(code: ErrorCode, path: FieldPath, message: string): void {
    this.list.push({ code, severity: 'warning', message, path });
  }
}
