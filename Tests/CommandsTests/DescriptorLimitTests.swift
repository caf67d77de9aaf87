import Glibc
import Testing

@testable import Commands

@Suite("The limit of open files")
struct DescriptorLimitTests {
    @Test(
        "leaves what the store needs, and two for each connection",
        arguments: [
            (1024, 1_048_576, 1024), (1024, 1024, 488), (1024, 64, 8), (4, 1024, 4), (1024, 48, 1),
            (1024, 0, 1), (1024, Int.max, 1024),
        ]
    )
    func connections(wanted: Int, descriptors: Int, expected: Int) {
        #expect(DescriptorLimit.connections(wanted: wanted, descriptors: descriptors) == expected)
    }

    @Test("is raised where it is too low for the wanted connections")
    func raised() {
        var limit = rlimit()
        #expect(getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0)
        let wanted = DescriptorLimit.connections(wanted: 700)
        var raised = rlimit()
        #expect(getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &raised) == 0)
        #expect(raised.rlim_cur >= min(limit.rlim_max, 1448) && raised.rlim_max == limit.rlim_max)
        #expect(wanted == 700 || raised.rlim_cur < 1448)
    }
}
