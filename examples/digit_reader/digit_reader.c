/* Reads digits: a picture of 8 x 8 comes in, the digit that the network sees goes out.
 *
 * The network, net.c and net.h, is written by whetstone_lab, as README.md beside this says. What is needed of a board is
 * two functions: one that waits for a byte and one that sends one, such as those of its serial line. Without BOARD they
 * are those of a terminal.
 *
 * A picture is 64 characters, row by row: '0' to '9' and 'a' to 'g' for shades from 0 to 16. All others, such as ends of
 * lines, are passed over.
 */
#include "net.h"

#if NET_INPUTS != 64
#error "The network must take pictures of 8 x 8."
#endif

#ifdef BOARD
int board_read(void); /* the next byte, or -1 if there are no more */
void board_write(char byte);
#else
#include <stdio.h>
static int board_read(void) { return getchar(); }
static void board_write(char byte) { putchar(byte); }
#endif

static net_memory memory;
static net_input picture[NET_INPUTS];
static net_vote votes[NET_VOTES];

/* The shade that a character stands for, or -1. */
static int shade(int byte)
{
    if (byte >= '0' && byte <= '9')
        return byte - '0';
    if (byte >= 'a' && byte <= 'g')
        return byte - 'a' + 10;
    return -1;
}

int main(void)
{
    int byte, seen = 0;
    while ((byte = board_read()) != -1) {
        const int value = shade(byte);
        if (value < 0)
            continue;
        picture[seen++] = (net_input)value;
        if (seen == NET_INPUTS) {
            net_run(picture, votes, &memory);
            board_write((char)('0' + net_decide(votes)));
            board_write('\n');
            seen = 0;
        }
    }
    return 0;
}
