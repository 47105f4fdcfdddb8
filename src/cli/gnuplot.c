// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
#include "cli/gnuplot.h"

#include <stdbool.h>
#include <sys/wait.h>
#include <unistd.h>

const char *const cli_colour[CLI_COLOURS] = {"#1f5fa8", "#6fb1e0", "#c8501e", "#e8a05a", "#2e8b57", "#9ad1a5",
                                             "#7a3b9a", "#c39bd3", "#7a7a7a", "#000000", "#c9a400", "#d6478f"};

// The child becomes gnuplot, with the script as its input and the picture as its output.
static void become_gnuplot(int script, int picture) {
    if (dup2(script, STDIN_FILENO) >= 0 && dup2(picture, STDOUT_FILENO) >= 0)
        execlp("gnuplot", "gnuplot", (char *)NULL);
    _exit(127);
}

static bool run_gnuplot(FILE *script, FILE *picture) {
    int status = 0;
    fflush(NULL);
    rewind(script);
    pid_t pid = fork();
    if (pid == 0)
        become_gnuplot(fileno(script), fileno(picture));
    return pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

FILE *cli_gnuplot_script(struct es_error *error) {
    FILE *script = tmpfile();
    if (!script)
        es_fail(error, ES_NO_RESOURCE, "no temporary file can be made");
    return script;
}

enum es_status cli_gnuplot_draw(FILE *script, FILE *picture, struct es_error *error) {
    bool made = run_gnuplot(script, picture);
    fclose(script);
    return made ? ES_OK : es_fail(error, ES_NO_RESOURCE, "--plot: gnuplot is not there or failed; apt-get install gnuplot-nox, or take --csv");
}

enum es_status cli_gnuplot_found(struct es_error *error) {
    FILE *script = cli_gnuplot_script(error), *nothing = tmpfile();
    enum es_status status = script && nothing ? cli_gnuplot_draw(script, nothing, error) : ES_NO_RESOURCE;
    if (nothing)
        fclose(nothing);
    return status;
}
