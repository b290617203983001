/**
 * The invalid resources (files below `test/testdata`) that schema and CEL rules of the API server let in, by who can
 * still refuse them. The test beside this file holds the lists exact, so that the tests of the webhook and of the
 * compiler can take over from here.
 */

/** Wrong by themselves, and kept by the API server: the webhook sees what is wrong. */
export const FOR_WEBHOOK: readonly string[] = [
  'invalid/026-empty-conditions.yaml',
  'invalid/028-empty-max-amount.yaml',
  'invalid/056-tool-actions-empty.yaml',
  'invalid/067-misspelt-agents.yaml',
  'invalid/070-misspelt-conditions.yaml',
  'invalid/071-misspelt-max-amount.yaml',
  'invalid/072-snake-case-max-amount.yaml',
  'invalid/073-condition-beside-conditions.yaml',
  'invalid/074-misspelt-failure-action.yaml',
  'invalid/076-misspelt-max-length.yaml',
  'invalid/077-misspelt-time-zone.yaml',
  'invalid/078-misspelt-allowed-callers.yaml',
  'invalid/081-misspelt-ticket.yaml',
  'invalid/082-misspelt-rollout-profile.yaml',
  'invalid/083-misspelt-gate.yaml',
  'invalid/084-misspelt-test-params.yaml',
  'invalid/085-misspelt-suspended.yaml',
  'invalid/086-misspelt-accepts-from.yaml',
  'invalid/087-misspelt-tool-actions.yaml',
  'invalid/088-misspelt-parameters.yaml',
  'invalid/089-misspelt-action-undeclared.yaml',
  'invalid/090-misspelt-parameter-role.yaml',
  'invalid/091-misspelt-credential.yaml',
  'invalid/092-misspelt-namespaces.yaml',
];

/** Wrong only together with other resources, or for the compiler: every file of this folder. */
export const FOR_COMPILER = 'invalid/semantic';

/** The API server itself drops what is wrong before any webhook is asked; it changes nothing that Aegis looks at. */
export const DROPPED: readonly string[] = [
  'invalid/018-namespace-on-cluster-kind.yaml',
  'invalid/069-misspelt-labels.yaml',
];

/** Wrong as a text: what other parsers make of it may be a valid object. Only whoever reads the file can tell. */
export const TEXT_ONLY: readonly string[] = [
  'invalid/002-duplicate-key-conditions.yaml',
  'invalid/011-merge-key.yaml',
  'invalid/012-leading-zero-number.yaml',
];
