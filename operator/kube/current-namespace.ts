/** The namespace of the current context, as kubectl takes it where none is named. */
export async function currentNamespace(kubeconfig: string | undefined): Promise<string> {
  const { KubeConfig } = await import('@kubernetes/client-node');
  const config = new KubeConfig();
  try {
    if (kubeconfig === undefined) config.loadFromDefault();
    else config.loadFromFile(kubeconfig);
  } catch {
    // what is wrong with it is told by the first call
    return 'default';
  }
  return config.getContextObject(config.currentContext)?.namespace || 'default';
}
