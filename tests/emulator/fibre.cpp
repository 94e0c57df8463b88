// SPDX-License-Identifier: Apache-2.0
#include "fibre.hpp"

#include <sys/mman.h>

#include <new>

#ifdef EMULATOR_ADDRESS_SANITIZER
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif
#ifdef EMULATOR_THREAD_SANITIZER
#include <sanitizer/tsan_interface.h>
#endif

#if defined(__x86_64__)
// swapcontext() saves the signal mask too, by two system calls: most of the time that a barrier takes.
extern "C" void nuscan_emulator_switch(void** here, void* there);
asm(R"(
    .text
    .globl nuscan_emulator_switch
    .type nuscan_emulator_switch, @function
nuscan_emulator_switch:
    pushq %rbp
    pushq %rbx
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    movq %rsp, (%rdi)
    movq %rsi, %rsp
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbx
    popq %rbp
    ret
    .size nuscan_emulator_switch, . - nuscan_emulator_switch
)");
#endif

namespace emulator {

namespace {

constexpr std::size_t stack_size = std::size_t{1} << 19; // a device gives a thread as much at most
Fibre* running = nullptr;

constexpr std::size_t guard_size = std::size_t{1} << 16;

} // namespace

Fibre::Fibre(void (*body)()) : body_(body) {
    void* memory = mmap(nullptr, guard_size + stack_size, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED) {
        throw std::bad_alloc();
    }
    mprotect(memory, guard_size, PROT_NONE);
    stack_ = static_cast<std::byte*>(memory) + guard_size;
    restart();
}

Fibre::~Fibre() {
    end();
    munmap(stack_ - guard_size, guard_size + stack_size);
}

bool Fibre::is_running() { return running != nullptr; }

bool Fibre::is_below_stack(const void* address) {
    return running != nullptr && address >= running->stack_ - guard_size && address < running->stack_;
}

void Fibre::restart() {
#ifdef EMULATOR_ADDRESS_SANITIZER
    __asan_unpoison_memory_region(stack_, stack_size);
    fake_stack_ = nullptr;
#endif
#ifdef EMULATOR_THREAD_SANITIZER
    end();
    sanitizer_fibre_ = __tsan_create_fiber(0);
#endif
#if defined(__x86_64__)
    // As if run() had been about to be called: its address above six registers, so that a call's alignment comes out.
    void** top = reinterpret_cast<void**>(stack_ + stack_size) - 2;
    *top = reinterpret_cast<void*>(&Fibre::run);
    here_ = top - 6;
#else
    getcontext(&here_);
    here_.uc_stack.ss_sp = stack_;
    here_.uc_stack.ss_size = stack_size;
    here_.uc_link = nullptr;
    makecontext(&here_, &Fibre::run, 0);
#endif
}

//! What it has done is over for whoever calls, as that of a thread that has been joined
void Fibre::end() {
#ifdef EMULATOR_THREAD_SANITIZER
    if (sanitizer_fibre_ != nullptr) {
        void* const caller = __tsan_get_current_fiber();
        __tsan_switch_to_fiber(sanitizer_fibre_, __tsan_switch_to_fiber_no_sync);
        __tsan_release(this);
        __tsan_switch_to_fiber(caller, __tsan_switch_to_fiber_no_sync);
        __tsan_acquire(this);
        __tsan_destroy_fiber(sanitizer_fibre_);
    }
#endif
}

void Fibre::enter() {
    running = this;
#ifdef EMULATOR_THREAD_SANITIZER
    sanitizer_outside_ = __tsan_get_current_fiber();
    __tsan_switch_to_fiber(sanitizer_fibre_, __tsan_switch_to_fiber_no_sync);
#endif
#ifdef EMULATOR_ADDRESS_SANITIZER
    __sanitizer_start_switch_fiber(&outside_fake_stack_, stack_, stack_size);
#endif
#if defined(__x86_64__)
    nuscan_emulator_switch(&outside_, here_);
#else
    swapcontext(&outside_, &here_);
#endif
#ifdef EMULATOR_ADDRESS_SANITIZER
    __sanitizer_finish_switch_fiber(outside_fake_stack_, nullptr, nullptr);
#endif
    running = nullptr;
}

void Fibre::leave() { running->switch_back(); }

void Fibre::switch_back() {
#ifdef EMULATOR_THREAD_SANITIZER
    __tsan_switch_to_fiber(sanitizer_outside_, __tsan_switch_to_fiber_no_sync);
#endif
#ifdef EMULATOR_ADDRESS_SANITIZER
    __sanitizer_start_switch_fiber(&fake_stack_, outside_bottom_, outside_size_);
#endif
#if defined(__x86_64__)
    nuscan_emulator_switch(&here_, outside_);
#else
    swapcontext(&here_, &outside_);
#endif
#ifdef EMULATOR_ADDRESS_SANITIZER
    __sanitizer_finish_switch_fiber(fake_stack_, &outside_bottom_, &outside_size_);
#endif
}

void Fibre::run() {
    Fibre* const self = running;
#ifdef EMULATOR_ADDRESS_SANITIZER
    __sanitizer_finish_switch_fiber(nullptr, &self->outside_bottom_, &self->outside_size_);
#endif
    for (;;) {
        self->body_();
        self->switch_back();
    }
}

} // namespace emulator
