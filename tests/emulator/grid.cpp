// SPDX-License-Identifier: Apache-2.0
#include "grid.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstdlib>
#include <numeric>
#include <random>
#include <utility>
#include <vector>

#include "emulator.hpp"
#include "fibre.hpp"

#ifdef EMULATOR_ADDRESS_SANITIZER
#include <sanitizer/asan_interface.h>
#endif
#ifdef EMULATOR_THREAD_SANITIZER
#include <sanitizer/tsan_interface.h>
#else
static void __tsan_acquire(void*) {}
static void __tsan_release(void*) {}
#endif

namespace emulator {

namespace {

constexpr int warp_size = 32;
constexpr std::size_t max_exchange = 256;
constexpr std::byte unwritable{0xf7};
#ifdef EMULATOR_THREAD_SANITIZER
constexpr std::size_t n_fibre_sets = 4; // what follows on the same fibre is ordered: blocks take turns
#else
constexpr std::size_t n_fibre_sets = 1;
#endif

enum class State { ready, at_block, at_warp, done };
enum class Operation { sync, ballot, shuffle };

void run_thread();

struct SharedVariable {
    const void* key;
    std::byte* memory;
    std::size_t size;
};

struct Thread {
    Fibre fibre{run_thread};
    Place place{};
    int number = 0, warp = 0; // in the block
    State state = State::done;
    // What it waits for
    Site site;
    Operation operation = Operation::sync;
    unsigned int mask = 0;
    bool vote = false;
    bool has_passed = false; // a barrier that is missing
    unsigned int ballot = 0;
    Votes votes{};
    SharedVariable wants{}; // memory for it
    const void* gives = nullptr;
    void* takes = nullptr;
    std::size_t size = 0;
    int source = 0;
};

struct Warp {
    unsigned int present = 0, ready = 0; // lanes
    // Whom a barrier lets through is after everyone who came: for ThreadSanitizer, which is told nothing else. Two, as
    // the first to go on may be at the next barrier before the last has left this one.
    std::array<char, 2> tokens{};
    std::size_t phase = 0;
};

/// The launch that runs, and the block of it.
struct Scheduler {
    const Launch* launch = nullptr;
    std::array<std::vector<std::unique_ptr<Thread>>, n_fibre_sets> sets;
    std::size_t set = 0;
    std::vector<Warp> warps;
    Thread* current = nullptr;
    int n_threads = 0, n_alive = 0, n_at_block = 0, n_votes = 0;
    std::array<char, 2> tokens{};
    std::size_t phase = 0;
    char start_token = 0, end_token = 0;
    std::byte* dynamic = nullptr;
    std::vector<SharedVariable> variables;
    std::vector<SharedVariable> left_over; // of earlier blocks, to be freed when they are known to be over
    std::mt19937 random;

    Thread& thread(int number) { return *sets[set][static_cast<std::size_t>(number)]; }
    Thread& lane(int warp, int lane) { return thread(warp * warp_size + lane); }

    void run_block(Index block);
    void begin_block(Index block);
    void end_block();
    Thread& next();
    void left(Thread& thread);
    bool passes(Thread& thread) const;
    void complete_warp(const Thread& arrived);
    void complete_block();
    void report_deadlock();
    std::byte* allocate(const void* key, std::size_t size);
    void free_left_over();
};

Scheduler scheduler;
std::string fault_text;
std::map<std::string, KernelRecord> kernel_records;
std::map<std::string, std::uint64_t> barrier_records;
Settings current_settings;
bool has_race = false; // since the thread that runs began to

std::string text_of(Site site) { return fmt::format("{}:{}", site.file, site.line); }
std::string text_of(Index i) { return fmt::format("({}, {}, {})", i.x, i.y, i.z); }
std::string waits_at(const Thread& thread) {
    const char* what = thread.state == State::at_block         ? "the block"
                       : thread.operation == Operation::sync   ? "its warp"
                       : thread.operation == Operation::ballot ? "a vote"
                                                               : "a shuffle";
    return fmt::format("thread {} waits at {} for {}", thread.number, text_of(thread.site), what) +
           (thread.state == State::at_block ? "" : fmt::format(" by mask {:#010x}", thread.mask));
}

//! As memcpy, whose calls ThreadSanitizer takes for those of the thread that runs
void copy_unseen(void* to, const void* from, std::size_t size) {
    for (std::size_t i = 0; i < size; ++i) {
        static_cast<volatile char*>(to)[i] = static_cast<const volatile char*>(from)[i];
    }
}

//! Takes a thread that did something wrong out of its kernel
struct Abandoned {};

void run_thread() {
    __tsan_acquire(&scheduler.start_token);
    try {
        scheduler.launch->thread();
    } catch (const Abandoned&) {
    }
    __tsan_release(&scheduler.end_token);
    scheduler.current->state = State::done;
}

//! Waits in the state that the thread has been given
void wait(char* token) {
    __tsan_release(token);
    Fibre::leave();
    if (!scheduler.current->has_passed) {
        __tsan_acquire(token);
    }
}

void wait_for_warp(unsigned int mask, Operation operation, Site site) {
    Thread& self = *scheduler.current;
    if ((mask >> self.place.lane & 1u) == 0) {
        fail(fmt::format("the mask {:#010x} at {} leaves out the lane that gives it", mask, text_of(site)));
    }
    self.state = State::at_warp;
    self.mask = mask;
    self.operation = operation;
    self.site = site;
    Warp& warp = scheduler.warps[static_cast<std::size_t>(self.warp)];
    wait(&warp.tokens[warp.phase % 2]);
}

std::byte* Scheduler::allocate(const void* key, std::size_t size) {
    auto* memory = static_cast<std::byte*>(std::malloc(size + 2 * GuardedMemory::guard));
    GuardedMemory::fill(memory, size);
    variables.push_back({key, memory, size});
    std::size_t total = 0;
    for (const SharedVariable& x : variables) {
        total += x.size;
    }
    if (total > limits.shared_memory_opt_in) {
        fail(fmt::format("{} bytes of shared memory (at most {})", total, limits.shared_memory_opt_in));
    }
    return memory + GuardedMemory::guard;
}

void Scheduler::free_left_over() {
    for (const SharedVariable& x : left_over) {
        GuardedMemory::release(x.memory, x.size);
        std::free(x.memory);
    }
    left_over.clear();
}

void Scheduler::begin_block(Index block) {
    const dim3& size = launch->configuration.block;
    n_threads = static_cast<int>(size.x * size.y * size.z);
    set = (set + 1) % n_fibre_sets;
    while (sets[set].size() < static_cast<std::size_t>(n_threads)) {
        sets[set].push_back(std::make_unique<Thread>());
    }
    warps.assign(static_cast<std::size_t>((n_threads + warp_size - 1) / warp_size), {});
    n_alive = n_threads;
    n_at_block = n_votes = 0;
    const dim3& grid = launch->configuration.grid;
    for (int i = 0; i < n_threads; ++i) {
        const auto n = static_cast<unsigned int>(i);
        Thread& x = thread(i);
        x.place = {{n % size.x, n / size.x % size.y, n / (size.x * size.y)},
                   block,
                   {size.x, size.y, size.z},
                   {grid.x, grid.y, grid.z},
                   i % warp_size};
        x.number = i;
        x.warp = i / warp_size;
        x.state = State::ready;
        Warp& warp = warps[static_cast<std::size_t>(x.warp)];
        warp.present |= 1u << x.place.lane;
        warp.ready = warp.present;
    }
    dynamic = allocate(nullptr, launch->configuration.shared_memory);
    __tsan_release(&start_token);
}

void Scheduler::end_block() {
    for (const SharedVariable& x : variables) {
        if (fault_text.empty() && !GuardedMemory::is_intact(x.memory, x.size)) {
            fail(fmt::format("something was written before or after {} bytes of shared memory", x.size));
        }
        left_over.push_back(x);
    }
    variables.clear();
    if (n_fibre_sets == 1) {
        free_left_over();
    }
}

Thread& Scheduler::next() {
    const auto has_ready = [](const Warp& warp) { return warp.ready != 0; };
    const auto number = [this](auto warp) { return static_cast<int>(&*warp - warps.data()); };
    if (current_settings.order == Order::forwards) {
        const auto warp = std::find_if(warps.begin(), warps.end(), has_ready);
        return lane(number(warp), std::countr_zero(warp->ready));
    }
    if (current_settings.order == Order::backwards) {
        const auto warp = std::find_if(warps.rbegin(), warps.rend(), has_ready);
        return lane(number(warp), 31 - std::countl_zero(warp->ready));
    }
    auto skipped = random() % static_cast<std::uint32_t>(std::count_if(warps.begin(), warps.end(), has_ready));
    auto warp = std::find_if(warps.begin(), warps.end(), has_ready);
    for (; skipped > 0; --skipped) {
        warp = std::find_if(warp + 1, warps.end(), has_ready);
    }
    unsigned int lanes = warp->ready;
    for (skipped = random() % static_cast<std::uint32_t>(std::popcount(lanes)); skipped > 0; --skipped) {
        lanes &= lanes - 1;
    }
    return lane(number(warp), std::countr_zero(lanes));
}

void Scheduler::run_block(Index block) {
    begin_block(block);
    while (n_alive > 0 && fault_text.empty()) {
        if (std::all_of(warps.begin(), warps.end(), [](const Warp& warp) { return warp.ready == 0; })) {
            report_deadlock();
            break;
        }
        Thread& x = next();
        current = &x;
        x.fibre.enter();
        if (fault_text.empty()) {
            left(x);
        }
        current = nullptr;
    }
    if (!fault_text.empty()) {
        for (int i = 0; i < n_threads; ++i) {
            thread(i).fibre.restart();
        }
    }
    end_block();
}

//! Counts a barrier that a thread has come to; whether it is to be missing
bool Scheduler::passes(Thread& x) const {
    if (x.state == State::done || (x.state == State::at_warp && x.operation != Operation::sync)) {
        return false;
    }
    const std::string name = text_of(x.site);
    ++barrier_records[name];
    x.has_passed = name == current_settings.missing;
    return x.has_passed;
}

//! After a thread has run: whom it waits for, or who waits for it
void Scheduler::left(Thread& x) {
    if (std::exchange(has_race, false)) {
        return fail("a race, of which ThreadSanitizer tells");
    }
    if (x.wants.key != nullptr) {
        allocate(x.wants.key, x.wants.size);
        x.wants = {};
        __tsan_release(&start_token);
        return;
    }
    x.has_passed = false;
    if (passes(x)) {
        x.state = State::ready;
        x.votes = {x.vote ? 1 : 0, 1};
        return;
    }
    Warp& warp = warps[static_cast<std::size_t>(x.warp)];
    warp.ready &= ~(1u << x.place.lane);
    switch (x.state) {
    case State::done:
        --n_alive;
        for (int i = 0; i < warp_size; ++i) {
            if ((warp.present >> i & 1u) != 0 && lane(x.warp, i).state == State::at_warp) {
                complete_warp(lane(x.warp, i)); // which may wait for the one that has gone
            }
        }
        break;
    case State::at_warp:
        complete_warp(x);
        break;
    case State::at_block:
        ++n_at_block;
        n_votes += x.vote ? 1 : 0;
        break;
    case State::ready:
        break;
    }
    if (n_at_block > 0 && n_at_block == n_alive) {
        complete_block();
    }
}

//! Lets the lanes go on that wait as this one does, if all of its mask are there
void Scheduler::complete_warp(const Thread& arrived) {
    Warp& warp = warps[static_cast<std::size_t>(arrived.warp)];
    const unsigned int mask = arrived.mask;
    for (int i = 0; i < warp_size; ++i) {
        if ((mask >> i & 1u) == 0) {
            continue;
        }
        if ((warp.present >> i & 1u) == 0 || lane(arrived.warp, i).state == State::done) {
            return fail(fmt::format("{}, but lane {} has left the kernel", waits_at(arrived), i));
        }
        const Thread& x = lane(arrived.warp, i);
        if (x.state != State::at_warp || x.mask != mask) {
            return;
        }
        const bool same_place = x.site.line == arrived.site.line || x.operation == Operation::sync;
        if (x.operation != arrived.operation || !same_place) {
            return fail(fmt::format("{}, {}", waits_at(arrived), waits_at(x)));
        }
    }
    std::array<std::array<char, max_exchange>, warp_size> given;
    unsigned int votes = 0;
    for (int i = 0; i < warp_size; ++i) {
        if ((mask >> i & 1u) != 0) {
            const Thread& x = lane(arrived.warp, i);
            votes |= (x.vote ? 1u : 0u) << i;
            if (x.operation == Operation::shuffle) {
                copy_unseen(given[static_cast<std::size_t>(i)].data(), x.gives, x.size);
            }
        } else {
            given[static_cast<std::size_t>(i)].fill(static_cast<char>(unwritten));
        }
    }
    for (int i = 0; i < warp_size; ++i) {
        if ((mask >> i & 1u) != 0) {
            Thread& x = lane(arrived.warp, i);
            x.ballot = votes;
            if (x.operation == Operation::shuffle) {
                copy_unseen(x.takes, given[static_cast<std::size_t>(x.source)].data(), x.size);
            }
            x.state = State::ready;
        }
    }
    warp.ready |= mask;
    ++warp.phase;
}

void Scheduler::complete_block() {
    const Thread* first = nullptr;
    for (int i = 0; i < n_threads; ++i) {
        const Thread& x = thread(i);
        if (x.state == State::at_block) {
            first = first == nullptr ? &x : first;
            if (x.site.line != first->site.line) {
                return fail(fmt::format("{}, {}", waits_at(*first), waits_at(x)));
            }
        }
    }
    for (int i = 0; i < n_threads; ++i) {
        Thread& x = thread(i);
        if (x.state == State::at_block) {
            x.votes = {n_votes, n_alive};
            x.state = State::ready;
            warps[static_cast<std::size_t>(x.warp)].ready |= 1u << x.place.lane;
        }
    }
    n_at_block = n_votes = 0;
    ++phase;
}

void Scheduler::report_deadlock() {
    std::string text = "nobody can go on";
    const Thread* last = nullptr;
    for (int i = 0; i < n_threads; ++i) { // one for each place
        const Thread& x = thread(i);
        if (x.state != State::done && (last == nullptr || x.site.line != last->site.line || x.mask != last->mask)) {
            text += fmt::format(", {}", waits_at(x));
            last = &x;
        }
    }
    fail(text);
}

} // namespace

Settings& settings() { return current_settings; }
std::string fault() { return fault_text; }
void forget_fault() { fault_text.clear(); }
const std::map<std::string, KernelRecord>& kernels() { return kernel_records; }
const std::map<std::string, std::uint64_t>& barriers() { return barrier_records; }

void record_fault(const std::string& what) {
    const Thread* const x = scheduler.current;
    fault_text = scheduler.launch == nullptr ? what : fmt::format("{}: {}", scheduler.launch->name, what);
    if (x != nullptr) {
        fault_text += fmt::format(", block {} thread {}", text_of(x->place.block), text_of(x->place.thread));
    }
}

void fail(const std::string& what) {
    record_fault(what);
    if (Fibre::is_running()) {
        throw Abandoned{};
    }
}

const Place& here() { return scheduler.current->place; }

Votes sync_block(bool vote, Site site) {
    Thread& self = *scheduler.current;
    self.state = State::at_block;
    self.site = site;
    self.mask = 0;
    self.vote = vote;
    wait(&scheduler.tokens[scheduler.phase % 2]);
    return self.votes;
}

void sync_warp(unsigned int mask, Site site) { wait_for_warp(mask, Operation::sync, site); }

unsigned int ballot(unsigned int mask, bool vote, Site site) {
    scheduler.current->vote = vote;
    wait_for_warp(mask, Operation::ballot, site);
    return scheduler.current->ballot;
}

void shuffle(unsigned int mask, const void* mine, void* theirs, std::size_t size, int source, Site site) {
    Thread& self = *scheduler.current;
    if (size > max_exchange) {
        fail(fmt::format("a shuffle of {} bytes at {}", size, text_of(site)));
    }
    self.gives = mine;
    self.takes = theirs;
    self.size = size;
    self.source = source;
    wait_for_warp(mask, Operation::shuffle, site);
}

void* dynamic_shared_memory() { return scheduler.dynamic; }

void* static_shared_memory(const void* key, std::size_t size) {
    const auto find = [&] {
        const auto& all = scheduler.variables;
        const auto at = std::find_if(all.begin(), all.end(), [=](const SharedVariable& x) { return x.key == key; });
        return at == all.end() ? nullptr : at->memory + GuardedMemory::guard;
    };
    std::byte* memory = find();
    if (memory == nullptr) { // it is no thread that makes it
        scheduler.current->wants = {key, nullptr, size};
        Fibre::leave();
        memory = find();
    }
    __tsan_acquire(&scheduler.start_token);
    return memory;
}

void run_grid(const Launch& launch) {
    Scheduler& s = scheduler;
    s.launch = &launch;
    has_race = false;
    s.random.seed(current_settings.seed);
    const dim3& grid = launch.configuration.grid;
    const std::uint64_t n_blocks = std::uint64_t{grid.x} * grid.y * grid.z;
    KernelRecord& record = kernel_records[launch.name];
    ++record.launches;
    record.most_blocks = std::max(record.most_blocks, n_blocks);
    std::vector<std::uint64_t> blocks(n_blocks);
    std::iota(blocks.begin(), blocks.end(), 0);
    if (current_settings.order == Order::backwards) {
        std::reverse(blocks.begin(), blocks.end());
    } else if (current_settings.order == Order::shuffled) {
        std::shuffle(blocks.begin(), blocks.end(), s.random);
    }
    for (const std::uint64_t b : blocks) {
        s.run_block({static_cast<unsigned int>(b % grid.x), static_cast<unsigned int>(b / grid.x % grid.y),
                     static_cast<unsigned int>(b / grid.x / grid.y)});
        if (!fault_text.empty()) {
            break;
        }
    }
    __tsan_acquire(&s.end_token);
    s.free_left_over();
    s.launch = nullptr;
}

#ifdef EMULATOR_THREAD_SANITIZER
// Called by ThreadSanitizer, which holds locks meanwhile
extern "C" void __tsan_on_report(void*) { has_race = true; }
#endif

void GuardedMemory::fill(std::byte* begin, std::size_t size, std::size_t behind) {
    std::fill_n(begin, guard + size + behind, unwritable);
    std::fill_n(begin + guard, size, std::byte{unwritten});
#ifdef EMULATOR_ADDRESS_SANITIZER
    __asan_poison_memory_region(begin, guard);
    __asan_poison_memory_region(begin + guard + size, behind);
#endif
}

bool GuardedMemory::is_intact(const std::byte* begin, std::size_t size, std::size_t behind) {
#ifdef EMULATOR_ADDRESS_SANITIZER
    static_cast<void>(begin), static_cast<void>(size), static_cast<void>(behind);
    return true; // or it would have said so
#else
    const auto is_as_it_was = [](std::byte x) { return x == unwritable; };
    const std::byte* const end = begin + guard + size;
    return std::all_of(begin, begin + guard, is_as_it_was) && std::all_of(end, end + behind, is_as_it_was);
#endif
}

void GuardedMemory::release(std::byte* begin, std::size_t size, std::size_t behind) {
#ifdef EMULATOR_ADDRESS_SANITIZER
    __asan_unpoison_memory_region(begin, guard + size + behind);
#else
    static_cast<void>(begin), static_cast<void>(size), static_cast<void>(behind);
#endif
}

} // namespace emulator
