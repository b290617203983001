/** What the init container `aegis-capture` is told, as JSON in its environment: `AEGIS_CAPTURE_CONFIG`. */
export const CAPTURE_CONFIG_VARIABLE = 'AEGIS_CAPTURE_CONFIG';

export interface CaptureConfig {
  version: 1;
  /** Whose traffic is left alone. */
  gatewayUid: number;
  /** Redirected to these loopback ports, of every other user. */
  ports: { http: number; tls: number };
  /** `Enforce`: whatever is neither the gateway's, loopback, DNS nor allowed is refused, IPv6 and UDP included. */
  guard: 'Off' | 'Observe' | 'Enforce';
  /**
   * Networks of `egress.allow`. Without ports: every port but 80 and 443, which stay redirected; with ports: these, not
   * redirected either. Hosts of `egress.allow` are let through by the gateway, which knows names.
   */
  allow: { cidr: string; ports?: number[] }[];
}
