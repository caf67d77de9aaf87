import Testing

@testable import Commands

@Suite("Configuration from environment variables")
struct ConfigurationEnvironmentTests {
    @Test(
        "A variable that is no setting is a problem that names the nearest",
        arguments: [
            ("BERTH_PROT", "BERTH_PORT"),
            ("BERTH_LOGLEVEL", "BERTH_LOG_LEVEL"),
            ("BERTH_LEVEL", "BERTH_LOG_LEVEL"),
            ("BERTH_CA_BUNDLE", "BERTH_PACKAGING_CA_BUNDLE"),
            ("BERTH_PACKAGING_CABUNDLE", "BERTH_PACKAGING_CA_BUNDLE"),
            ("BERTH_log_level", "BERTH_LOG_LEVEL"),
            ("BERTH_CONFG", "BERTH_CONFIG"),
            ("BERTH_ALOW_REMOTE", "BERTH_ALLOW_REMOTE"),
            ("BERTH_LIMITS_UPLOADSIZE", "BERTH_LIMITS_UPLOAD_SIZE"),
        ]
    )
    func unknown(_ name: String, _ nearest: String) {
        let problems = ConfigurationEnvironment([name: "1"]).problems
        #expect(problems == [.init(.environment(name), .unknownVariable(nearest: nearest))])
        #expect(
            problems.first?.description == "\(name): there is no such variable; the nearest is \(nearest)"
        )
    }

    @Test(
        "A malformed value is a problem that names the variable",
        arguments: [
            ("BERTH_PORT", ""), ("BERTH_PORT", " 5000"), ("BERTH_PORT", "0x10"), ("BERTH_PORT", "65536"),
            ("BERTH_ALLOW_REMOTE", "1"), ("BERTH_ALLOW_REMOTE", ""), ("BERTH_HOST", ""),
            ("BERTH_TIMEOUTS_IDLE", "30"), ("BERTH_LIMITS_UPLOAD_SIZE", "10G"), ("BERTH_HOSTS", "a,,b"),
            ("BERTH_URL", "registry.example"), ("BERTH_STORAGE", "~/berth"), ("BERTH_LOG_LEVEL", "INFO"),
        ]
    )
    func malformed(_ name: String, _ value: String) {
        let error = #expect(throws: ConfigurationError.self) {
            try BerthConfiguration.load(environment: [name: value], standardFile: nil)
        }
        #expect(error?.problems.map(\.origin) == [.environment(name)])
        #expect(error?.description.hasPrefix("\(name): \"") == true)
    }

    @Test(
        "A list is separated by commas, and blanks around them do not count",
        arguments: [
            ("", []), (" ", []), ("a.example", ["a.example"]),
            (" a.example , b.example", ["a.example", "b.example"]), ("::1,10.0.0.1", ["::1", "10.0.0.1"]),
        ]
    )
    func lists(_ value: String, _ expected: [String]) throws {
        let loaded = try BerthConfiguration.load(environment: ["BERTH_HOSTS": value], standardFile: nil)
        #expect(loaded.hosts.map(\.text) == expected)
    }

    @Test(
        "What is not Berth's is passed over",
        arguments: [
            ("BERTH_TEST_ENGINE", "docker"), ("BERTHA_PORT", "x"), ("berth_port", "x"), ("PORT", "x"),
            ("BERTH", "x"), ("XBERTH_PORT", "x"),
        ]
    )
    func foreign(_ name: String, _ value: String) throws {
        let environment = ConfigurationEnvironment([name: value])
        #expect(environment.problems.isEmpty)
        #expect(environment.variables.isEmpty)
    }

    @Test(
        "What Kubernetes makes of services' names is passed over",
        arguments: [
            ("BERTH_SERVICE_HOST", "10.0.0.11"), ("BERTH_SERVICE_PORT", "5000"),
            ("BERTH_SERVICE_PORT_HTTP", "5000"), ("BERTH_PORT", "tcp://10.0.0.11:5000"),
            ("BERTH_PORT", "udp://10.0.0.11:53"), ("BERTH_PORT_5000_TCP", "tcp://10.0.0.11:5000"),
            ("BERTH_PORT_5000_TCP_PROTO", "tcp"), ("BERTH_PORT_5000_TCP_PORT", "5000"),
            ("BERTH_PORT_5000_TCP_ADDR", "10.0.0.11"), ("BERTH_MIRROR_SERVICE_HOST", "10.0.0.12"),
            ("BERTH_MIRROR_PORT", "tcp://10.0.0.12:80"), ("BERTH_MIRROR_PORT_80_SCTP_ADDR", "10.0.0.12"),
        ]
    )
    func kubernetes(_ name: String, _ value: String) throws {
        let loaded = try BerthConfiguration.load(environment: [name: value], standardFile: nil)
        #expect(loaded.settings.allSatisfy { $0.origin == .standard })
    }

    @Test(
        "What only looks like a service's variable is still a problem",
        arguments: [
            ("BERTH_SERVICE", "x"), ("BERTH_SERVICE_HOSTS", "x"), ("BERTH_PORT_X_TCP", "x"),
            ("BERTH_PORT_5000_HTTP", "x"), ("BERTH_MIRROR_PORT", "80"), ("BERTH_PORT", "http://10.0.0.11"),
            ("BERTH_5000_TCP", "x"), ("BERTH_ADDR", "x"), ("BERTH_", "x"),
        ]
    )
    func notKubernetes(_ name: String, _ value: String) {
        #expect(ConfigurationEnvironment([name: value]).problems.count == 1)
    }

    @Test("Problems come in the order of the variables' names, and their names cannot disturb a terminal")
    func order() {
        let names = ["BERTH_Z", "BERTH_\u{1B}[31m", "BERTH_A"]
        let problems = ConfigurationEnvironment(Dictionary(uniqueKeysWithValues: names.map { ($0, "") }))
            .problems
        #expect(problems.map(\.origin.description) == ["BERTH_\\u{1B}[31m", "BERTH_A", "BERTH_Z"])
    }
}
