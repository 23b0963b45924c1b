/* SPDX-License-Identifier: BSD-3-Clause */
/* server: see server.h.  This is systemd's socket activation. */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ground/util.h"
#include "server.h"

static int
listen_on (const char *name)
{
  struct sockaddr_un address = { .sun_family = AF_UNIX };
  int fd = socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

  assert (fd != -1 && strlen (name) < sizeof address.sun_path);
  strcpy (address.sun_path, name);
  unlink (name);
  if (bind (fd, (struct sockaddr *)&address, sizeof address) == -1
      || listen (fd, 64) == -1) {
    perror (name);
    exit (1);
  }
  return fd;
}

static void
become (char *const *argv, int listener, int gate, const char *messages)
{
  int log = open (messages, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  char pid[16], byte;

  prctl (PR_SET_PDEATHSIG, SIGKILL);
  while (read (gate, &byte, 1) == -1 && errno == EINTR)
    ;
  close (gate);
  dup2 (log, 2);
  if (listener == 3)
    fcntl (listener, F_SETFD, 0);
  else
    dup2 (listener, 3);
  snprintf (pid, sizeof pid, "%d", getpid ());
  setenv ("LISTEN_PID", pid, 1);
  setenv ("LISTEN_FDS", "1", 1);
  execvp (argv[0], argv);
  perror (argv[0]);
  _exit (127);
}

void
server_prepare (struct server *server, char *const *argv, const char *socket,
                const char *messages)
{
  int listener = listen_on (socket);
  int gate[2];

  if (pipe2 (gate, O_CLOEXEC) == -1 || (server->pid = fork ()) == -1) {
    perror ("fork");
    exit (1);
  }
  if (server->pid == 0) {
    close (gate[1]);
    become (argv, listener, gate[0], messages);
  }
  close (listener);
  close (gate[0]);
  server->gate = gate[1];
}

void
server_go (struct server *server)
{
  close (server->gate);
}

int
server_wait (struct server *server)
{
  int status;

  while (waitpid (server->pid, &status, 0) == -1)
    assert (errno == EINTR);
  server->pid = 0;
  return status;
}
