"""Holds kernel objects of one kind and, on port 7, answers each line with "LINE ok" as long as all are as they were.

python3 objects.py KIND
"""
import ctypes, fcntl, mmap, os, pty, select, signal, socket, struct, sys, tempfile, threading, time
from multiprocessing import shared_memory

libc = ctypes.CDLL(None, use_errno=True)


def must(value):
    if value < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return value


def expect(what, found, wanted):
    if found != wanted:
        raise AssertionError(f"{what}: {found!r}, not {wanted!r}")


ANSWER = "while read -r _; do echo %d $$; done"
DEEP = "deep() { [ $1 = 0 ] || deep $(($1 - 1)) & wait; sleep 100000; }; deep 20 & "


def processes():
    """100 children, each asked by a pipe of its own; the last has a chain of 20 below it."""
    children = [child((DEEP if n == 79 else "") + ANSWER % n) for n in range(80)]

    def check():
        for n, (pid, to, back) in enumerate(children):
            os.write(to, b"?\n")
            expect(f"child {n}", os.read(back, 32).split(), [b"%d" % n, b"%d" % pid])
    return check


def child(script):
    to_read, to_write = os.pipe()
    back_read, back_write = os.pipe()
    pid = os.posix_spawn("/bin/sh", ["sh", "-c", script], os.environ,
                         file_actions=[(os.POSIX_SPAWN_DUP2, to_read, 0), (os.POSIX_SPAWN_DUP2, back_write, 1)])
    os.close(to_read), os.close(back_write)
    return pid, to_write, back_read


def threads():
    """50 threads that take turns under one lock, each with a local of its own, and count."""
    count = [0] * 50
    turn = threading.Condition()

    def work(n):
        own = n * n
        while True:
            with turn:
                turn.wait()
                count[n] += 1
                assert own == n * n
    for n in range(50):
        threading.Thread(target=work, args=(n,), daemon=True).start()
    time.sleep(0.5)

    def check():
        before = list(count)
        with turn:
            turn.notify_all()
        for n in range(50):
            until(f"thread {n}", lambda: count[n] > before[n])
    return check


def memory():
    """Shared memory: System V (with semaphores and messages), POSIX, anonymous with a child, memfd, a mapped file."""
    IPC_CREAT, IPC_PRIVATE, size = 0o1000, 0, 1 << 20
    segment = must(libc.shmget(IPC_PRIVATE, size, IPC_CREAT | 0o600))
    libc.shmat.restype = ctypes.c_void_p
    attached = libc.shmat(segment, None, 0)
    ctypes.memset(attached, 7, size)
    semaphore = must(libc.semget(IPC_PRIVATE, 1, IPC_CREAT | 0o600))
    must(libc.semctl(semaphore, 0, 16, 42))
    queue = must(libc.msgget(IPC_PRIVATE, IPC_CREAT | 0o600))
    must(libc.msgsnd(queue, struct.pack("l8s", 1, b"waiting!"), 8, 0))
    posix = shared_memory.SharedMemory(create=True, size=size)
    posix.buf[:4] = b"same"
    anonymous = mmap.mmap(-1, size)
    if os.fork() == 0:
        while True:
            anonymous[:8] = struct.pack("q", struct.unpack("q", anonymous[:8])[0] + 1)
            time.sleep(0.01)
    memfd = os.memfd_create("moved")
    os.write(memfd, b"in memory")
    file = tempfile.TemporaryFile()
    file.truncate(size)
    mapped = mmap.mmap(file.fileno(), size)
    mapped[100:106] = b"mapped"

    def check():
        expect("System V memory", ctypes.string_at(attached, size), b"\x07" * size)
        expect("System V semaphore", libc.semctl(semaphore, 0, 12), 42)
        message = ctypes.create_string_buffer(16)
        must(libc.msgrcv(queue, message, 8, 0, 0))
        expect("System V message", message.raw[8:], b"waiting!")
        must(libc.msgsnd(queue, message, 8, 0))
        expect("POSIX memory", bytes(posix.buf[:4]), b"same")
        expect("memfd", os.pread(memfd, 100, 0), b"in memory")
        expect("mapped file", os.pread(file.fileno(), 6, 100), b"mapped")
        before = anonymous[:8]
        until("anonymous memory", lambda: anonymous[:8] != before)
    return check


def files():
    """Open and deleted files, locks of both kinds held against a child, a FIFO, inotify, positions."""
    folder = tempfile.mkdtemp(dir="/var/tmp")
    path = lambda name: os.path.join(folder, name)
    deleted = open(path("deleted"), "w+b")
    deleted.write(b"still here" * 1000)
    deleted.flush()
    deleted.seek(5)
    os.unlink(path("deleted"))
    linked = open(path("linked"), "w+b")
    os.link(path("linked"), path("second"))
    os.unlink(path("linked"))
    locked = open(path("locked"), "w")
    fcntl.flock(locked, fcntl.LOCK_EX)
    ranged = open(path("ranged"), "w+")
    ranged.truncate(100)
    fcntl.lockf(ranged, fcntl.LOCK_EX, 10, 20)
    os.mkfifo(path("fifo"))
    fifo = os.open(path("fifo"), os.O_RDWR)
    os.write(fifo, b"waiting")
    watch = must(libc.inotify_init1(os.O_NONBLOCK))
    must(libc.inotify_add_watch(watch, folder.encode(), 0x100))
    seen = [0]

    def check():
        expect("position", deleted.tell(), 5)
        expect("deleted file", os.pread(deleted.fileno(), 10, 100), b"still here")
        expect("second name", os.fstat(linked.fileno()).st_nlink, 1)
        expect("locks", refused(locked.name, ranged.name), b"refused refused")
        expect("FIFO", os.read(fifo, 100), b"waiting")
        os.write(fifo, b"waiting")
        seen[0] += 1
        name = f"new{seen[0]}"
        open(path(name), "w").close()
        expect("inotify", name.encode() in os.read(watch, 4096), True)
        os.unlink(path(name))
    return check


def refused(flocked, ranged):
    """What another process is told that wants the same locks."""
    read, write = os.pipe()
    if os.fork() == 0:
        said = []
        for work in (lambda: fcntl.flock(open(flocked), fcntl.LOCK_EX | fcntl.LOCK_NB),
                     lambda: fcntl.lockf(open(ranged, "r+"), fcntl.LOCK_EX | fcntl.LOCK_NB, 5, 22)):
            try:
                work()
                said.append(b"given")
            except OSError:
                said.append(b"refused")
        os.write(write, b" ".join(said))
        os._exit(0)
    os.close(write)
    answer = os.read(read, 100)
    os.close(read)
    os.wait()
    return answer


def events():
    """timerfd, an interval timer with its signal, eventfd, signalfd, epoll over them."""
    CLOCK_MONOTONIC = 1
    timer = must(libc.timerfd_create(CLOCK_MONOTONIC, os.O_NONBLOCK))
    each = struct.pack("llll", 0, 20_000_000, 0, 20_000_000)
    must(libc.timerfd_settime(timer, 0, each, None))
    ticks = [0]
    signal.signal(signal.SIGALRM, lambda *_: ticks.__setitem__(0, ticks[0] + 1))
    signal.setitimer(signal.ITIMER_REAL, 0.02, 0.02)
    counter = os.eventfd(5, os.EFD_NONBLOCK)
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])
    mask = ctypes.create_string_buffer(128)
    libc.sigemptyset(mask), libc.sigaddset(mask, int(signal.SIGUSR1))
    signals = must(libc.signalfd(-1, mask, os.O_NONBLOCK))
    poll = select.epoll()
    for each in (timer, counter, signals):
        poll.register(each, select.EPOLLIN)

    def check():
        expect("eventfd", os.eventfd_read(counter), 5)
        os.eventfd_write(counter, 5)
        os.kill(os.getpid(), signal.SIGUSR1)
        before = ticks[0]
        until("interval timer", lambda: ticks[0] > before)
        for name, each in dict(timerfd=timer, eventfd=counter, signalfd=signals).items():
            until(f"{name} in epoll", lambda: each in {fd for fd, _ in poll.poll(0.1)})
        expect("signalfd", struct.unpack("I", os.read(signals, 128)[:4])[0], int(signal.SIGUSR1))
        os.read(timer, 8)
    return check


def sockets():
    """Unix sockets: a pair, a path, an abstract name, datagrams that wait; TCP within; listening with one that waits."""
    left, right = socket.socketpair()
    right.send(b"waiting")
    datagrams = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    named = listening(socket.AF_UNIX, tempfile.mktemp(dir="/var/tmp"))
    abstract = listening(socket.AF_UNIX, "\0moved")
    within = listening(socket.AF_INET, ("127.0.0.1", 4321))
    within6 = listening(socket.AF_INET6, ("::1", 4321))

    def check():
        expect("pair", left.recv(100), b"waiting")
        right.send(b"waiting")
        datagrams[0].send(b"one"), datagrams[0].send(b"two")
        expect("datagrams", (datagrams[1].recv(100), datagrams[1].recv(100)), (b"one", b"two"))
        for name, (client, server, listener) in dict(named=named, abstract=abstract, within=within, within6=within6).items():
            client.send(b"there")
            expect(name, server.recv(100), b"there")
            server.send(b"back")
            expect(name, client.recv(100), b"back")
            listener.getsockname()
    return check


def listening(family, address):
    listener = socket.socket(family)
    listener.bind(address)
    listener.listen()
    client = socket.socket(family)
    client.connect(address)
    server, _ = listener.accept()
    return client, server, listener


def terminal():
    """A pseudo terminal with a shell of its own session at the other end."""
    pid, master = pty.fork()
    if pid == 0:
        os.execv("/bin/bash", ["bash", "--norc"])
    os.write(master, b"stty -echo cols 77; PS1=\n")
    time.sleep(0.5)
    os.read(master, 10_000)
    asked = [0]

    def check():
        asked[0] += 1
        # bash, for dash has /dev/tty open, which CRIU refuses.
        os.write(master, b"echo $((%d + 1)); [ -t 0 ] && echo terminal\n" % asked[0])
        said = b""
        while said.count(b"\n") < 2:
            said += os.read(master, 1000)
        expect("shell", said.split(), [b"%d" % (asked[0] + 1), b"terminal"])
        size = struct.unpack("HHHH", fcntl.ioctl(master, 0x5413, b"\0" * 8))
        expect("size", size[1], 77)
    return check


def until(what, true):
    deadline = time.monotonic() + 5
    while not true():
        if time.monotonic() > deadline:
            raise AssertionError(f"{what} stands still")
        time.sleep(0.001)


def main(kind):
    check = globals()[kind]()
    server = socket.create_server(("", 7))
    open("/run/ready", "w").close()
    connection, _ = server.accept()
    for line in connection.makefile("r"):
        try:
            check()
            answer = "ok"
        except Exception as error:
            answer = f"{type(error).__name__} {error}"
        connection.sendall(f"{line.strip()} {answer}\n".encode())


main(sys.argv[1])
