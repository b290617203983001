/** The part of `apiextensions.k8s.io/v1` JSONSchemaProps that Aegis uses in its CRDs (a structural schema). */
export interface CrdSchema {
  type?: 'object' | 'array' | 'string' | 'integer' | 'number' | 'boolean';
  description?: string;
  nullable?: boolean;
  format?: string;
  enum?: readonly string[];
  default?: unknown;
  pattern?: string;
  minLength?: number;
  maxLength?: number;
  minimum?: number;
  maximum?: number;
  minItems?: number;
  maxItems?: number;
  minProperties?: number;
  maxProperties?: number;
  required?: readonly string[];
  properties?: { readonly [name: string]: CrdSchema };
  additionalProperties?: CrdSchema;
  items?: CrdSchema;
  'x-kubernetes-int-or-string'?: boolean;
  'x-kubernetes-preserve-unknown-fields'?: boolean;
  'x-kubernetes-list-type'?: 'atomic' | 'set' | 'map';
  'x-kubernetes-list-map-keys'?: readonly string[];
  'x-kubernetes-validations'?: readonly CrdRule[];
}

/** One CEL rule of `x-kubernetes-validations`. */
export interface CrdRule {
  rule: string;
  message: string;
  reason?: string;
  fieldPath?: string;
}

/** A kind with its schema, as `schemas.generated.ts` lists them. */
export interface KindSchema {
  kind: string;
  plural: string;
  scope: 'Namespaced' | 'Cluster';
  schema: CrdSchema;
}
