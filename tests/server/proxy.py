# SPDX-License-Identifier: BSD-3-Clause
# proxy NAME TARGET [tcp]: a way to a server that can be spoilt by command.
#
# Listens on NAME.sock, or on a free port of localhost, which is written to
# NAME.port; forwards every connection to TARGET, a Unix socket or a port of
# localhost; writes NAME.pid when it is ready.  Commands come by the FIFO
# NAME.commands, one line each; each is answered by one line of NAME.answers,
# when it is done: proxy_do of functions.sh and of nbdtest.py.
#
# "up" is from the client to the server, "down" the way back.  What is said of
# connections counts for those that there are and for later ones, unless it says
# something else.
#
#   pass             forward everything, also what was held back
#   freeze           accept, read and forward nothing, neither bytes nor ends
#   hold up|down|both  take it, and keep it
#   drop up|down|both  take it, and throw it away; an end counts as taken
#   drip BYTES       down: so many a second
#   reset            those that there are: the client finds them reset
#   reset-after BYTES  likewise, when so many more have gone down
#   close            those that there are: the client finds them closed
#   refuse, listen   new connections, and no longer
#   deliver          of connections whose client has gone: what was held up, to
#                    the server, and what was held down, to a client that hears
#                    nothing any more.  Not that it has ended: a server may do
#                    nothing then of what it was sent before
#   forget           connections whose client has gone, and what is held of them
#   status           clients, orphans (of which the client has gone), bytes held
#                    up and down, bytes that went up and down:
#                    clients=1 orphans=0 held_up=0 held_down=0 up=99 down=999
#
# A connection whose client has gone, by itself or by reset or close, while it
# was on hold, stays on hold until deliver or forget comes, whatever else does.

import os
import select
import socket
import struct
import sys
import time

CHUNK = 65536


class Flow:
    """One direction of one connection."""

    def __init__(self, source, target, mode, rate):
        self.source = source
        self.target = target
        self.mode = mode
        self.rate = rate        # of drip, bytes a second
        self.due = 0            # when it may go on
        self.limit = None       # bytes until a reset
        self.buffer = bytearray()
        self.ended = False      # the source has said all
        self.closed = False     # and the target knows it
        self.sent = 0

    def wants_input(self):
        if self.ended or self.mode == "freeze":
            return False
        return self.mode in ("hold", "drop") or len(self.buffer) < CHUNK

    def may_send(self):
        return self.mode in ("pass", "deliver") \
            or self.mode == "drip" and time.monotonic() >= self.due

    def wants_output(self):
        return bool(self.buffer) and self.may_send()

    def receive(self):
        data = self.source.recv(CHUNK)
        if not data:
            self.ended = True
        elif self.mode != "drop":
            self.buffer += data

    def send(self):
        size = CHUNK
        if self.mode == "drip":
            size = max(1, self.rate // 10)
            self.due = time.monotonic() + size / self.rate
        if self.limit is not None:
            size = min(size, self.limit)
        count = self.target.send(self.buffer[:size])
        del self.buffer[:count]
        self.sent += count
        if self.limit is not None:
            self.limit -= count

    def pass_end(self):
        if self.ended and not self.buffer and not self.closed \
                and self.mode in ("pass", "drip"):
            self.closed = True
            try:
                self.target.shutdown(socket.SHUT_WR)
            except OSError:
                pass


class Connection:
    def __init__(self, client, server, modes, rate):
        self.client = client
        self.server = server
        self.client_is_dead = False     # nothing can be sent to it
        self.up = Flow(client, server, modes["up"], rate)
        self.down = Flow(server, client, modes["down"], rate)
        self.is_over = False

    def flows(self):
        return (self.up, self.down)

    def is_orphan(self):
        return self.up.ended

    def is_kept(self):
        return self.is_orphan() and (self.up.mode in ("hold", "deliver")
                                     or self.down.mode == "hold")

    def is_delivered(self):
        return self.is_over or not (self.up.buffer or self.down.buffer)

    # The client has gone: what it has said already stays; nobody is there to
    # hear the rest.
    def lose_client(self):
        self.up.ended = True
        self.client_is_dead = True
        self.down.buffer.clear()
        self.down.mode = "drop"
        self.client.close()

    def end(self):
        self.is_over = True
        self.client.close()
        self.server.close()

    def cut(self, reset):
        if reset and not self.client_is_dead:
            self.client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                                   struct.pack("ii", 1, 0))
        if self.up.mode == "hold":
            self.lose_client()
        else:
            self.end()

    def step(self, flow, call):
        try:
            call()
        except BlockingIOError:
            pass
        except OSError:
            if (flow is self.up) == (call == flow.receive):
                self.lose_client()
            else:
                self.cut(reset=True)

    def serve(self, ready):
        for flow in self.flows():
            if not self.is_over and flow.source in ready \
                    and flow.wants_input():
                self.step(flow, flow.receive)
            if not self.is_over and flow.wants_output():
                self.step(flow, flow.send)
            if not self.is_over and flow.limit == 0:
                flow.limit = None
                self.cut(reset=True)
        if self.is_over:
            return
        for flow in self.flows():
            flow.pass_end()
        gone = self.client_is_dead and self.up.closed and self.down.ended
        if gone or (self.up.closed and self.down.closed):
            self.end()


class Proxy:
    def __init__(self, name, target, tcp):
        self.name = name
        self.target = target
        self.tcp = tcp
        self.modes = {"up": "pass", "down": "pass"}
        self.rate = 1
        self.connections = []
        self.sent = {"up": 0, "down": 0}        # of those that are over
        self.delivering = []
        self.port = 0
        self.listener = None
        if tcp:     # so that the port stays ours while new ones are refused
            self.reserved = socket.socket()
            self.reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            self.reserved.bind(("127.0.0.1", 0))
            self.port = self.reserved.getsockname()[1]
        self.listen()
        self.commands = self.fifo("commands")
        self.answers = self.fifo("answers")
        self.line = b""

    def fifo(self, kind):
        path = "%s.%s" % (self.name, kind)
        if os.path.exists(path):
            os.unlink(path)
        os.mkfifo(path)
        return os.open(path, os.O_RDWR)     # so that it never ends

    def listen(self):
        if self.listener is not None:
            return
        if self.tcp:
            self.listener = socket.socket()
            self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            self.listener.bind(("127.0.0.1", self.port))
        else:
            path = self.name + ".sock"
            if os.path.exists(path):
                os.unlink(path)
            self.listener = socket.socket(socket.AF_UNIX)
            self.listener.bind(path)
        self.listener.listen(64)

    def accept(self):
        client = self.listener.accept()[0]
        is_port = self.target.isdigit()
        server = socket.socket(socket.AF_INET if is_port else socket.AF_UNIX)
        try:
            server.connect(("127.0.0.1", int(self.target)) if is_port
                           else self.target)
        except OSError:
            client.close()
            return
        for end in (client, server):
            end.setblocking(False)
            if end.family == socket.AF_INET:
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.connections.append(Connection(client, server, self.modes,
                                           self.rate))

    # ------------------------------------------------------------- commands

    def set_mode(self, mode, ways):
        for way in ways:
            self.modes[way] = mode
            for connection in self.connections:
                is_deaf = way == "down" and connection.client_is_dead
                if not connection.is_kept() and not is_deaf:
                    getattr(connection, way).mode = mode
        return "done"

    @staticmethod
    def ways(word):
        return {"up": ["up"], "down": ["down"], "both": ["up", "down"]}[word]

    def do_pass(self):
        return self.set_mode("pass", self.ways("both"))

    def do_freeze(self):
        return self.set_mode("freeze", self.ways("both"))

    def do_hold(self, word):
        return self.set_mode("hold", self.ways(word))

    def do_drop(self, word):
        return self.set_mode("drop", self.ways(word))

    def do_drip(self, rate):
        self.rate = int(rate)
        for connection in self.connections:
            connection.down.rate = self.rate
        return self.set_mode("drip", ["down"])

    def do_reset(self):
        for connection in self.connections:
            connection.cut(reset=True)
        return "done"

    def do_reset_after(self, count):
        for connection in self.connections:
            connection.down.limit = int(count)
        return "done"

    def do_close(self):
        for connection in self.connections:
            connection.cut(reset=False)
        return "done"

    def do_refuse(self):
        if self.listener is not None:
            self.listener.close()
        self.listener = None
        return "done"

    def do_listen(self):
        self.listen()
        return "done"

    def do_deliver(self):
        self.delivering = [c for c in self.connections if c.is_kept()]
        for connection in self.delivering:
            connection.up.mode = "deliver"
            if not connection.client_is_dead:
                connection.down.mode = "pass"
        return None if self.delivering else "nothing to deliver"

    def end_delivery(self):
        if self.delivering and all(c.is_delivered() for c in self.delivering):
            self.delivering = []
            self.answer("done")

    def do_forget(self):
        for connection in self.connections:
            if connection.is_orphan():
                connection.end()
        return "done"

    def do_status(self):
        orphans = sum(c.is_orphan() for c in self.connections)

        def total(way, count):
            return sum(count(getattr(c, way)) for c in self.connections)

        numbers = {
            "clients": len(self.connections) - orphans,
            "orphans": orphans,
            "held_up": total("up", lambda flow: len(flow.buffer)),
            "held_down": total("down", lambda flow: len(flow.buffer)),
            "up": self.sent["up"] + total("up", lambda flow: flow.sent),
            "down": self.sent["down"] + total("down", lambda flow: flow.sent),
        }
        return " ".join("%s=%d" % item for item in numbers.items())

    def answer(self, text):
        os.write(self.answers, (text + "\n").encode())

    def command(self, line):
        word, *arguments = line.split()
        method = getattr(self, "do_" + word.replace("-", "_"), None)
        try:
            answer = method(*arguments)
        except (TypeError, ValueError, KeyError):
            self.answer("no such command: " + line)
            return
        if answer is not None:
            self.answer(answer)

    def read_commands(self):
        *lines, self.line = (self.line + os.read(self.commands, 4096)) \
            .split(b"\n")
        for line in lines:
            self.command(line.decode())
            self.forget()

    # ------------------------------------------------------------- the loop

    def forget(self):
        for connection in self.connections:
            if connection.is_over:
                self.sent["up"] += connection.up.sent
                self.sent["down"] += connection.down.sent
        self.connections = [c for c in self.connections if not c.is_over]

    def wait(self):
        poll = select.poll()
        events = {self.commands: select.POLLIN}
        files = {}
        pause = None
        if self.listener is not None and self.modes["up"] != "freeze":
            events[self.listener.fileno()] = select.POLLIN
            files[self.listener.fileno()] = self.listener
        for connection in self.connections:
            for flow in connection.flows():
                if flow.wants_input():
                    number = flow.source.fileno()
                    events[number] = events.get(number, 0) | select.POLLIN
                    files[number] = flow.source
                if flow.wants_output():
                    number = flow.target.fileno()
                    events[number] = events.get(number, 0) | select.POLLOUT
                if flow.mode == "drip" and flow.buffer:
                    left = max(0, flow.due - time.monotonic()) * 1000
                    pause = left if pause is None else min(pause, left)
        for number, event in events.items():
            poll.register(number, event)
        return {files.get(number, number)
                for number, event in poll.poll(pause)}

    def step(self):
        ready = self.wait()
        if self.commands in ready:
            self.read_commands()
        if self.listener is not None and self.listener in ready \
                and self.modes["up"] != "freeze":
            self.accept()
        for connection in self.connections:
            connection.serve(ready)
        self.end_delivery()
        self.forget()


def main():
    name, target = sys.argv[1:3]
    proxy = Proxy(name, target, sys.argv[3:] == ["tcp"])
    if proxy.port:
        with open(name + ".port", "w") as file:
            file.write(str(proxy.port))
    with open(name + ".pid", "w") as file:
        file.write(str(os.getpid()))
    while True:
        proxy.step()


main()
