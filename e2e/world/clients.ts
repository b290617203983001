import type { Attempt } from './probe.ts';

/** By curl: status and id of the decision, a line for each. @param urls as a shell reads them */
export function curl(...urls: readonly string[]): Attempt {
  const format = '%{http_code} %header{aegis-decision-id}\\n';
  return { run: ['sh', '-c', urls.map((url) => `curl -sS -o /dev/null -m 10 -w '${format}' "${url}"`).join('; ')] };
}

/** The same by what Python has itself. */
export function python(...urls: readonly string[]): Attempt {
  return { run: ['python3', '-c', PROGRAM, ...urls] };
}

const PROGRAM = `
import sys, urllib.request, urllib.error
for url in sys.argv[1:]:
    try:
        answer = urllib.request.urlopen(url, timeout=10)
    except urllib.error.HTTPError as error:
        answer = error
    print(answer.status, answer.headers.get('aegis-decision-id', ''))
`;
