import { createServer } from 'node:net';
import { type Attempt, undecided } from './attempt.ts';
import { python, run, shell } from './tries.ts';

/** By the rights of the process: users, rules, files, other processes. */
const DENIED = /not permitted|denied|EPERM|EACCES|not found|No such|Read-only|must be root|you must be|exit|fail/i;

export const RIGHTS: readonly Attempt[] = [
  {
    name: 'what the process may do',
    why: 'no capabilities, none to be had, no new privileges, a filter of system calls',
    ends: /^CapPrm:0000000000000000 CapEff:0000000000000000 CapBnd:0000000000000000 NoNewPrivs:1 Seccomp:2$/,
    run: () =>
      shell(
        `grep -E '^(CapPrm|CapEff|CapBnd|NoNewPrivs|Seccomp):' /proc/self/status | tr -d '\\t' | tr '\\n' ' ' | sed 's/ $//'`,
      ),
  },
  {
    name: 'to become the gateway’s user',
    why: 'the guard knows the gateway by its user, and setuid needs SETUID',
    ends: /^(?:(?:EPERM)(?:, |$))+$/,
    run: ({ gatewayUid }) =>
      python(
        `
uid = int(sys.argv[1])
words.append(attempt(lambda: os.setuid(uid)))
words.append(attempt(lambda: os.setreuid(uid, uid)))
words.append(attempt(lambda: os.setresuid(-1, uid, -1)))
words.append(attempt(lambda: os.setgid(uid)))
words.append(attempt(lambda: os.setgroups([uid])))
words.append(attempt(lambda: os.setuid(0)))`,
        String(gatewayUid),
      ),
  },
  {
    name: 'set-user-id programs: su, sudo, mount, and one of one’s own',
    why: 'without new privileges the bit has no effect',
    ends: /^uid=10001\b[^;]*; uid=10001\b/,
    run: ({ gatewayUid }) =>
      shell(
        `found=$(find / -xdev -perm /6000 -type f 2>/dev/null | head -20)
for program in $found; do "$program" -c id </dev/null >/dev/null 2>&1; done
su -s /bin/sh -c id "#${gatewayUid}" </dev/null 2>/dev/null; sudo -n -u "#${gatewayUid}" id 2>/dev/null
cp /usr/bin/id /tmp/own-id && chown ${gatewayUid} /tmp/own-id 2>/dev/null; chmod 6755 /tmp/own-id 2>/dev/null
echo "$(id); $(/tmp/own-id)"`,
      ),
  },
  {
    name: 'to change the rules: iptables, nft, ip',
    why: 'they need NET_ADMIN in the pod’s network namespace',
    ends: /^0 of 9$/,
    run: () =>
      shell(
        `done=0
for words in 'iptables -F' 'iptables -t nat -F' 'iptables -P OUTPUT ACCEPT' 'ip6tables -F' 'iptables-legacy -F' 'ip route add 203.0.113.0/24 dev lo' 'ip addr add 203.0.113.77/24 dev eth0' 'ip link add dummy0 type dummy' 'ip tuntap add tun0 mode tun'; do
$words >/dev/null 2>&1 && done=$((done+1)); done; echo "$done of 9"`,
      ),
  },
  {
    name: 'to be root in a user namespace',
    why: 'the profile forbids one; and in one, the pod’s network would still belong to another',
    ends: DENIED,
    run: ({ tool }) =>
      shell(
        `unshare -Ur sh -c 'iptables -F && iptables -t nat -F && echo CHANGED' 2>&1 | tail -1
unshare -Urn sh -c 'echo NAMESPACE' 2>&1 | tail -1
busybox unshare -r sh -c 'curl -s -m 3 http://${tool.address}:8080${undecided('userns')} && echo REACHED' 2>&1 | tail -1`,
      ),
  },
  {
    name: 'to enter another namespace',
    why: 'setns needs SYS_ADMIN, and no process of others is in sight',
    ends: DENIED,
    run: () =>
      shell(
        `for kind in net mount pid user; do nsenter --$kind --target 1 true 2>&1 && echo ENTERED; done | sort | tail -1`,
      ),
  },
  {
    name: 'processes of the gateway: to see, to read, to kill, to trace',
    why: 'every container has a process namespace of its own',
    ends: /^0 seen$/,
    run: ({ gatewayUid }) =>
      shell(
        `exec 2>/dev/null; seen=0; for folder in /proc/[0-9]*; do
uid=$(stat -c %u "$folder" 2>/dev/null); [ "$uid" = ${gatewayUid} ] && seen=$((seen+1))
tr '\\0' '\\n' <"$folder/environ" 2>/dev/null | grep -q '^AEGIS_GATEWAY_TENANT' && seen=$((seen+1))
ls "$folder/root/var/run/aegis/token" >/dev/null 2>&1 && seen=$((seen+1)); done
echo "$seen seen"`,
      ),
  },
  {
    name: 'the gateway’s token, credentials, state and key',
    why: 'their volumes are mounted into the gateway alone',
    ends: /^0 readable$/,
    run: () =>
      shell(
        `count=0; for path in /var/run/aegis/token /var/run/aegis/tools /var/run/aegis/bootstrap /var/lib/aegis /var/run/secrets/kubernetes.io/serviceaccount; do
[ -e "$path" ] && count=$((count+1)); done
grep -rslE 'sk_of_the_gateway|PRIVATE KEY' /var/run/aegis /var/lib/aegis /run 2>/dev/null | grep -q . && count=$((count+100))
env | grep -q sk_of_the_gateway && count=$((count+1000)); echo "$count readable"`,
      ),
  },
  {
    name: 'to write to the trust volume, or over it',
    why: 'it is read-only in every container but the gateway’s',
    ends: /^0 written$/,
    run: () =>
      shell(
        `count=0; folder=/var/run/aegis/trust; [ -s $folder/ca.crt ] || count=100
echo x 2>/dev/null >$folder/ca.crt && count=$((count+1)); touch $folder/new 2>/dev/null && count=$((count+1))
rm -f $folder/bundle.crt 2>/dev/null; [ -s $folder/bundle.crt ] || count=$((count+1))
mount -o remount,rw $folder 2>/dev/null && count=$((count+1)); mount --bind /tmp $folder 2>/dev/null && count=$((count+1))
mv $folder /tmp/trust 2>/dev/null && count=$((count+1)); echo "$count written"`,
      ),
  },
  {
    name: 'devices, memory and modules of the kernel',
    why: 'no mknod, no raw devices, no modules, no BPF',
    ends: /^(?:(?:EPERM|EACCES|ENOENT|ENOSYS|PermissionError|EROFS)(?:, |$))+$/,
    run: () =>
      python(`
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
def call(number, *args):
    if libc.syscall(number, *args) < 0: raise OSError(ctypes.get_errno(), "")
words.append(attempt(lambda: os.mknod("/tmp/mem", 0o20600, os.makedev(1, 1))))
words.append(attempt(lambda: open("/dev/mem", "rb") and "opened"))
words.append(attempt(lambda: open("/proc/sys/net/ipv4/ip_forward", "w") and "opened"))
words.append(attempt(lambda: open("/proc/sysrq-trigger", "w") and "opened"))
words.append(attempt(lambda: call(321, 0, None, 0)))
words.append(attempt(lambda: call(175, None, 0, b"")))`),
  },
  {
    name: 'the gateway’s ports, while it listens',
    why: 'they are taken, also beside it and at every address',
    ends: /^(?:EADDRINUSE(?: ×\d+)?)$/,
    run: async () => {
      const bind = (host: string, port: number): Promise<string> =>
        new Promise((resolve) => {
          const server = createServer();
          server.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? ''));
          server.listen({ host, port }, () => server.close(() => resolve(`bound ${host} ${port}`)));
        });
      const words = new Set<string>();
      for (const port of [8181, 15_001, 15_020, 15_080, 15_443, 15_100]) {
        for (const host of ['127.0.0.1', '0.0.0.0']) words.add(await bind(host, port));
      }
      const reused = await python(`
def bind(port):
    s = socket.socket()
    for option in (socket.SO_REUSEADDR, socket.SO_REUSEPORT): s.setsockopt(socket.SOL_SOCKET, option, 1)
    s.bind(("127.0.0.1", port)); s.listen(); return "bound"
for port in (15001, 15080, 15443): words.append(attempt(lambda: bind(port)))`);
      for (const word of reused.split(', ')) words.add(word);
      return [...words].join(', ');
    },
  },
  {
    name: 'sockets of the gateway that have no address',
    why: 'it opens none: nothing to ask by another way',
    ends: /^0 found$/,
    run: () => shell(`echo "$(grep -c aegis /proc/net/unix) found"`),
  },
  {
    name: 'to start one’s own gateway',
    why: 'a copy is no gateway: its user is another, and it holds no key',
    ends: DENIED,
    run: () => run('sh', '-c', 'ls /app/gateway.mjs /app/capture.mjs 2>&1 | tail -1; exit 2'),
  },
];
