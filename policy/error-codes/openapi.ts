import type { ErrorTable } from './error-table.ts';

/** OpenAPI documents that tools name. */
export const OPENAPI_ERRORS = {
  AEGIS_OPENAPI: {
    summary: 'An OpenAPI document, or an operation in it, cannot become a request mapping.',
    fix: 'Correct the operationId or the document, or give the action method, path and parameters instead.',
  },
  AEGIS_OPENAPI_MISSING: {
    summary: 'The OpenAPI document that the tool names is not there.',
    fix: "Load the ConfigMap of that name and key in the tool's namespace, or put the document into spec.openapi.inline.",
  },
} as const satisfies ErrorTable;
