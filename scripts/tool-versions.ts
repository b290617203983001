/** Pinned tools that are built from Go modules under `tools/`; the binary's folder carries the version. */
export const GO_TOOLS = {
  opa: { version: '1.22.2', package: 'github.com/open-policy-agent/opa' },
  regal: { version: '0.38.1', package: 'github.com/open-policy-agent/regal' },
} as const;

export type GoTool = keyof typeof GO_TOOLS;
