import type { ErrorTable } from './error-table.ts';

/** The validating webhook and the certificate that the operator serves with. */
export const OPERATOR_WEBHOOK_ERRORS = {
  AEGIS_ADMISSION_REVIEW: {
    summary: 'What was sent to the webhook is not an AdmissionReview of admission.k8s.io/v1.',
    fix: 'Only the API server calls the webhook; compare its ValidatingWebhookConfiguration with config/webhook.',
  },
  AEGIS_ADMISSION_PARTIAL: {
    summary: 'A resource was admitted without being compared with the other resources of its tenant.',
    fix: 'Nothing is needed: the operator was starting, and says in the status of the resource what it finds.',
  },
  AEGIS_ADMISSION_UNCHANGED: {
    summary: 'A resource that is not valid was admitted, because its spec was not changed.',
    fix: 'Correct the spec; until then the last version that was valid stays in force.',
  },
  AEGIS_CERTIFICATE_MISSING: {
    summary: 'The operator has no certificate to serve with yet.',
    fix: 'Check that it may read and create Secrets in its own namespace, and that it reaches the API server.',
  },
  AEGIS_CERTIFICATE_SECRET: {
    summary: 'The Secret with the serving certificate is gone, broken or expired; the leader repairs it.',
    fix: 'Nothing is needed. Leave the Secret to the operator; annotate it to have its CA renewed (docs/webhook.md).',
  },
  AEGIS_CERTIFICATE_FILES: {
    summary: 'The certificate files cannot be used; what was read last is served on.',
    fix: 'Put tls.crt, tls.key and ca.crt of one certificate, PEM, into the folder that certificates.directory names.',
  },
  AEGIS_CA_BUNDLE: {
    summary: "The CA cannot be written into the webhook's configuration.",
    fix: 'Check that the operator may get, watch and patch it, and that config/webhook is applied.',
  },
} as const satisfies ErrorTable;
