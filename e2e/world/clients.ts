import type { Attempt } from './probe.ts';

/** By curl: status and id of the decision, a line for each. @param urls as a shell reads them */
export function curl(...urls: readonly string[]): Attempt {
  const format = '%{http_code} %header{aegis-decision-id}\\n';
  return { run: ['sh', '-c', urls.map((url) => `curl -sS -o /dev/null -m 10 -w '${format}' "${url}"`).join('; ')] };
}

/** The same by the HTTP module of Node. */
export function node(...urls: readonly string[]): Attempt {
  return { run: ['node', '-e', NODE, ...urls] };
}

const NODE = `
const ask = (url) => new Promise((resolve, reject) => {
  require(url.split(':')[0]).get(url, { timeout: 10000 }, (answer) => {
    answer.resume().on('end', () => resolve(answer.statusCode + ' ' + (answer.headers['aegis-decision-id'] ?? '')));
  }).on('error', reject);
});
(async () => {
  for (const url of process.argv.slice(1)) console.log(await ask(url));
})();
`;

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
