import type { ErrorTable } from './error-table.ts';

/** One resource against its schema and CEL rules. */
export const VALIDATION_ERRORS = {
  AEGIS_SCHEMA_TYPE: {
    summary: 'A value is of the wrong type, or a field is left empty.',
    fix: 'Write a value of the type that the field has, or remove the field.',
  },
  AEGIS_SCHEMA_REQUIRED: {
    summary: 'A required field is missing.',
    fix: 'Add the field; docs/reference.md describes it.',
  },
  AEGIS_SCHEMA_VALUE: {
    summary: 'A value is not one of those that the field may have, or not of the form it must have.',
    fix: 'Write one of the values, or the form, that the message names.',
  },
  AEGIS_SCHEMA_BOUNDS: {
    summary: 'A number, text, list or mapping is smaller or larger than is accepted.',
    fix: 'Stay within the bound that the message names; split what is too large.',
  },
  AEGIS_SCHEMA_DUPLICATE: {
    summary: 'Two entries of a list that must differ are the same.',
    fix: 'Remove or rename one of the two.',
  },
  AEGIS_UNKNOWN_FIELD: {
    summary: 'There is no such field. It is refused because ignoring it could allow more than was meant.',
    fix: 'Correct the spelling or the place of the field; docs/reference.md lists the fields of each kind.',
  },
  AEGIS_METADATA: {
    summary: 'A name, namespace, label or annotation is not acceptable to Kubernetes.',
    fix: 'Use lower-case letters, digits and - (and . in names); begin and end with a letter or digit.',
  },
  AEGIS_CEL_RULE: {
    summary: 'The fields of the resource contradict each other, by a rule of its schema.',
    fix: 'Do what the message says.',
  },
  AEGIS_CEL_ERROR: {
    summary: 'A rule of the schema could not be evaluated on this resource, so the resource is not accepted.',
    fix: 'Correct the other findings first; if there are none, report it as a defect.',
  },
} as const satisfies ErrorTable;
