import type { ErrorCode, Severity } from '../errors.ts';
import type { FieldPath } from '../resources/resource.ts';

/** A finding before it is tied to a resource and a line; `path` starts at the resource's root. */
export interface Problem {
  code: ErrorCode;
  severity: Severity;
  message: string;
  path: FieldPath;
}

/** Collects problems under one base path. */
export class Problems {
  readonly list: Problem[] = [];

  error(code: ErrorCode, path: FieldPath, message: string): void {
    this.list.push({ code, severity: 'error', message, path });
  }

  warning(code: ErrorCode, path: FieldPath, message: string): void {
    this.list.push({ code, severity: 'warning', message, path });
  }
}
