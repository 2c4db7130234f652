// What `confine.py` does, without starting a Python for it: confine this process by rules and become a program.
//
//     confine read:/usr write:/runs/x execute:/usr/bin/ngspice -- /usr/bin/ngspice -b deck.cir
//
// The kernel sees to it (Landlock); what a kernel does not know is left out, without Landlock everything is. Rights and order of calls are
// those of `confine.py`, which explains them.

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstring>

namespace {

constexpr long CREATE = 444, ADD_RULE = 445, RESTRICT = 446;
constexpr uint64_t EXECUTE = 1 << 0, WRITE = 1 << 1, READ = 1 << 2, LIST = 1 << 3;
constexpr uint64_t REMOVE_DIR = 1 << 4, REMOVE = 1 << 5, MAKE_FILE = 1 << 8, TRUNCATE = 1 << 14;
constexpr uint64_t FILES_ONLY = EXECUTE | WRITE | READ | TRUNCATE;
constexpr uint64_t NETWORK = 3, SCOPES = 3;

struct __attribute__((packed)) Rule {
    uint64_t allowed;
    int32_t place;
};

struct Right {
    const char *name;
    uint64_t rights;
};

constexpr Right RIGHTS[] = {
    {"read:", READ | LIST},
    {"write:", READ | LIST | WRITE | REMOVE | MAKE_FILE | TRUNCATE},
    {"use:", READ | WRITE},
    {"execute:", READ | EXECUTE},
};

int refused(const char *program, const char *why) {
    std::fprintf(stderr, "cannot start %s confined: %s: %s\n", program, why, std::strerror(errno));
    return 126;
}

}  // namespace

int main(int count, char **given) {
    int split = 1;
    while (split < count && std::strcmp(given[split], "--") != 0) ++split;
    if (split + 1 >= count) return 126;
    char **program = given + split + 1;
    const long version = syscall(CREATE, nullptr, size_t{0}, uint32_t{1});
    if (version >= 1) {
        const long later = version - 1 < 2 ? version - 1 : 2;
        const uint64_t handled = (uint64_t{1} << (13 + later + (version >= 5))) - 1;
        uint64_t words[3] = {handled, NETWORK, SCOPES};
        const size_t size = sizeof(uint64_t) * (version >= 6 ? 3 : version >= 4 ? 2 : 1);
        const int ruleset = static_cast<int>(syscall(CREATE, words, size, uint32_t{0}));
        if (ruleset < 0) return refused(*program, "no Landlock ruleset");
        for (int i = 1; i < split; ++i) {
            const Right *right = nullptr;
            for (const Right &one : RIGHTS)
                if (std::strncmp(given[i], one.name, std::strlen(one.name)) == 0) right = &one;
            if (right == nullptr) {
                errno = EINVAL;
                return refused(*program, given[i]);
            }
            const char *path = given[i] + std::strlen(right->name);
            const int place = open(path, O_PATH | O_CLOEXEC);
            if (place < 0) continue;
            struct stat found;
            const bool folder = stat(path, &found) == 0 && S_ISDIR(found.st_mode);
            const Rule rule = {right->rights & handled & (folder ? ~uint64_t{0} : FILES_ONLY), place};
            if (syscall(ADD_RULE, ruleset, 1, &rule, uint32_t{0}) != 0) return refused(*program, path);
            close(place);
        }
        if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || syscall(RESTRICT, ruleset, uint32_t{0}) != 0)
            return refused(*program, "Landlock refused");
        close(ruleset);
    }
    execv(*program, program);
    return refused(*program, "exec");
}
