/** What is moved: programs as Debian packages them and little servers of our own, each with a client. Data only. */
import { LINE } from './talk/http.ts';

export interface Program {
  readonly name: string;
  /** Debian packages of the image; none: the busybox image. */
  readonly packages: readonly string[] | undefined;
  /** Files of `guests/` that are laid into /root. */
  readonly files?: readonly string[];
  /** A shell script inside that sets it up and ends when it serves; what is left running stays. */
  readonly setUp: string;
  /** Of what `client.ts` does, and the port; none: nobody is connected. */
  readonly talk?: readonly [talk: string, port: number];
  /** A shell script inside, after the last move: fails when something is not as it should be. */
  readonly after?: string;
  /** A shell script inside that prints the version. */
  readonly version: string;
  readonly ipv6?: true;
  readonly remark?: string;
}

const PYTHON = ['python3'];
const pythonVersion = 'python3 --version | cut -d" " -f2';
const packageVersion = (name: string) => `dpkg-query -W -f '\${Version}' ${name} | sed 's/^[0-9]*://; s/[-+~].*//'`;
const WWW = `mkdir -p /var/www; echo hello >/var/www/hello; yes '${LINE.trim()}' | head -c 33554432 >/var/www/big`;
const objects = (kind: string, name: string): Program => ({
  name,
  packages: PYTHON,
  files: ['objects.py'],
  setUp: `systemd-run -q --unit program python3 /root/objects.py ${kind}; until [ -e /run/ready ]; do sleep 0.1; done`,
  talk: ['lines', 7],
  version: pythonVersion,
});

export const PROGRAMS: readonly Program[] = [
  {
    name: 'nginx',
    packages: ['nginx-light'],
    setUp: `${WWW}; echo 'keepalive_requests 1000000;' >/etc/nginx/conf.d/kept.conf; sed -i 's,root /var/www/html;,root /var/www;,' /etc/nginx/sites-enabled/default; systemctl restart nginx`,
    talk: ['http', 80],
    version: packageVersion('nginx'),
  },
  {
    name: 'busybox httpd',
    packages: undefined,
    setUp: `${WWW}; httpd -p 80 -h /var/www`,
    talk: ['http-once', 80],
    version: 'busybox | head -1 | cut -d" " -f2 | tr -d v',
    remark: 'a new connection for each request',
  },
  {
    name: 'PostgreSQL',
    packages: ['postgresql'],
    setUp: `cd /etc/postgresql/*/main; echo "listen_addresses = '*'" >>postgresql.conf; echo 'host all all all trust' >>pg_hba.conf
systemctl restart postgresql; until pg_isready -q; do sleep 0.1; done`,
    talk: ['postgres', 5432],
    version: packageVersion('postgresql-*[0-9]'),
  },
  {
    name: 'Redis',
    packages: ['redis-server'],
    setUp: `sed -i 's/^bind .*/bind */; s/^protected-mode .*/protected-mode no/' /etc/redis/redis.conf
systemctl restart redis-server; until redis-cli ping | grep -q PONG; do sleep 0.1; done`,
    talk: ['redis', 6379],
    version: packageVersion('redis-server'),
  },
  {
    name: 'Java',
    packages: ['default-jre-headless'],
    files: ['Lines.java'],
    setUp: 'systemd-run -q --unit program java -Xmx128m /root/Lines.java; sleep 5',
    talk: ['lines', 7],
    version: 'java -version 2>&1 | head -1 | cut -d\\" -f2',
  },
  {
    name: 'Node.js',
    packages: ['nodejs'],
    files: ['server.mjs'],
    setUp: `${WWW}; systemd-run -q --unit program node /root/server.mjs; sleep 2`,
    talk: ['http', 80],
    version: 'node --version | tr -d v',
  },
  {
    name: 'Python http.server',
    packages: PYTHON,
    files: ['http_server.py'],
    setUp: `${WWW}; systemd-run -q --unit program python3 /root/http_server.py; sleep 1`,
    talk: ['http', 80],
    version: pythonVersion,
  },
  {
    name: 'Python asyncio',
    packages: PYTHON,
    files: ['asyncio_lines.py'],
    setUp: 'systemd-run -q --unit program python3 /root/asyncio_lines.py; sleep 1',
    talk: ['lines', 7],
    version: pythonVersion,
  },
  {
    name: 'sshd, a shell open',
    packages: ['openssh-server', 'openssh-client', 'procps'],
    setUp: `passwd -qd root; printf 'PermitRootLogin yes\\nPermitEmptyPasswords yes\\n' >/etc/ssh/sshd_config.d/open.conf
systemctl restart ssh`,
    talk: ['shell', 22],
    version: packageVersion('openssh-server'),
    remark: 'ssh -t from another instance, the same shell throughout',
  },
  {
    name: 'cron',
    packages: ['cron'],
    setUp: `echo '* * * * * root date +\\%S >>/run/ran' >/etc/cron.d/ran; systemctl restart cron`,
    after: `: >/run/ran; tries=0; until [ -s /run/ran ]; do sleep 1; tries=$((tries + 1)); [ $tries -lt 70 ]; done; grep -qx 0[0-3] /run/ran`,
    version: packageVersion('cron'),
    remark: 'the next job ran in the first seconds of its minute',
  },
  {
    name: 'tmux, a shell in it',
    packages: ['tmux'],
    setUp: `tmux new-session -d -s one; sleep 0.5; tmux send-keys -t one 'kept=40' Enter`,
    after: `tmux send-keys -t one 'echo =$((kept + 2))=' Enter; sleep 1; tmux capture-pane -p -t one | grep -qx =42=`,
    version: packageVersion('tmux'),
    remark: 'started by `berth exec`; its shell knows what it knew',
  },
  objects('processes', '100 processes, 20 deep'),
  objects('threads', '50 threads'),
  objects('memory', 'shared memory: System V, POSIX, memfd, mapped'),
  objects('files', 'files: deleted, locked, FIFO, inotify'),
  objects('events', 'epoll, timerfd, eventfd, signalfd, timers'),
  objects('sockets', 'unix sockets, TCP within'),
  objects('terminal', 'a pseudo terminal with a shell'),
  {
    name: 'UDP',
    packages: PYTHON,
    files: ['udp.py'],
    setUp: 'systemd-run -q --unit program python3 /root/udp.py; sleep 1',
    talk: ['udp', 7],
    version: pythonVersion,
  },
  {
    name: 'Redis over IPv6',
    packages: ['redis-server'],
    ipv6: true,
    setUp: `sed -i 's/^bind .*/bind * ::*/; s/^protected-mode .*/protected-mode no/' /etc/redis/redis.conf
systemctl restart redis-server; until redis-cli ping | grep -q PONG; do sleep 0.1; done`,
    talk: ['redis', 6379],
    version: packageVersion('redis-server'),
  },
];
