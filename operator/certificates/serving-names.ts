export interface ServingNames {
  /** Services before the listeners. */
  services: readonly string[];
  namespace: string;
  /** Further DNS names and IP addresses. */
  extra?: readonly string[];
  /** Default `cluster.local`. */
  clusterDomain?: string;
}

/** Names and addresses that the serving certificate is for, each once. */
export function servingNames({
  services,
  namespace,
  extra = [],
  clusterDomain = 'cluster.local',
}: ServingNames): string[] {
  const ofServices = services.flatMap((service) => {
    const short = `${service}.${namespace}.svc`;
    return [short, `${short}.${clusterDomain}`];
  });
  return [...new Set([...ofServices, ...extra])];
}
