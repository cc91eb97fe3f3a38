/* User-Mode Linux 6.1 saves the registers of its processes in an area that is too small on processors with AMX, and
 * the host refuses to set them from it. Preloaded, this fills up what is missing from the registers as they are. */
#define _GNU_SOURCE
#include <elf.h>
#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#define LARGEST_AREA 16384
#define HEADER_AT 512         /* of an XSAVE area: which states it holds */
#define STATES_THAT_FIT 0xffUL /* x87, SSE, AVX, MPX, AVX-512 */

long ptrace(enum __ptrace_request request, ...)
{
    va_list rest;
    va_start(rest, request);
    long pid = va_arg(rest, long), address = va_arg(rest, long), data = va_arg(rest, long);
    va_end(rest);
    if (request == PTRACE_SETREGSET && address == NT_X86_XSTATE) {
        static __thread char area[LARGEST_AREA];
        struct iovec *given = (struct iovec *)data, whole = {area, sizeof area};
        if (syscall(SYS_ptrace, PTRACE_GETREGSET, pid, address, &whole) == 0 && whole.iov_len > given->iov_len) {
            memcpy(area, given->iov_base, given->iov_len);
            *(unsigned long *)(area + HEADER_AT) &= STATES_THAT_FIT;
            return syscall(SYS_ptrace, request, pid, address, &whole);
        }
    }
    if (request >= PTRACE_PEEKTEXT && request <= PTRACE_PEEKUSER) {
        long word, answer = syscall(SYS_ptrace, request, pid, address, &word);
        if (answer != 0)
            return answer;
        errno = 0;
        return word;
    }
    return syscall(SYS_ptrace, request, pid, address, data);
}
