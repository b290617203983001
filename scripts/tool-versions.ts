/** Pinned tools that are built from Go modules under `tools/`; the binary's folder carries the version. */
export const GO_TOOLS = {
  opa: { version: '1.22.2', package: 'github.com/open-policy-agent/opa' },
  regal: { version: '0.38.1', package: 'github.com/open-policy-agent/regal' },
  crdcheck: { version: '0.1.0', package: '.' },
} as const;

export type GoTool = keyof typeof GO_TOOLS;
