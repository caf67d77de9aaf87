import Foundation
import Logging
import Registry
import Testing

@testable import Commands

@Suite("Which source of configuration counts")
struct ConfigurationPrecedenceTests {
    /// Three legal values of every setting that are neither the default nor the same.
    private static let samples: [String: [String]] = [
        "host": ["127.0.0.2", "::1", "localhost"],
        "port": ["0", "65535", "8080"],
        "allow-remote": ["true", "true", "true"],
        "hosts": ["a.example", "b.example,c.example", "10.0.0.1"],
        "url": ["http://a.example", "https://b.example:8443", "https://[::1]"],
        "storage": ["/srv/berth", "data", "./a b"],
        "deletes": ["deny", "deny", "deny"],
        "immutable": ["v*", "v1,v2", "release/*:*"],
        "ttl": ["pr-*=7d", "a*=1h,b/*:*=2m", "c*=1s"],
        "retention": ["* last=1", "ci/* pushed=1d,* pulled=2d", "a untagged=none"],
        "sparse": ["mirror/*", "a,b/*", "a*"],
        "log.level": ["trace", "critical", "debug"],
        "log.format": ["json", "json", "json"],
        "timeouts.header": ["1s", "500ms", "5m"],
        "timeouts.idle": ["1s", "2h", "5m"],
        "timeouts.stall": ["1s", "1d", "5m"],
        "timeouts.queue": ["1ms", "1h", "5m"],
        "timeouts.drain": ["0s", "1h", "5m"],
        "limits.upload-size": ["1B", "10GB", "512MiB"],
        "limits.connections": ["1", "2", "1000000"],
        "limits.minimum-rate": ["none", "1B", "64KiB"],
        "limits.uploads": ["1", "2", "1000000"],
        "limits.packagings": ["1", "2", "10000"],
        "limits.expansions": ["1", "2", "10000"],
        "limits.documents": ["16MiB", "1GB", "2GiB"],
        "limits.sessions": ["1", "2", "1000000"],
        "packaging.ca-bundle": ["none", "/etc/ca.pem", "./host"],
        "packaging.zoneinfo": ["none", "/srv/zones", "./host"],
        "packaging.workers": ["1", "2", "1024"],
        "garbage.grace": ["0s", "1h", "30d"],
        "garbage.untagged": ["none", "0s", "30d"],
        "garbage.interval": ["1s", "1h", "7d"],
        "uploads.expiry": ["1s", "1h", "30d"],
        "scrub.rate": ["none", "1KiB", "100MB"],
    ]

    @Test(
        "Flags go before the environment, before the file, before the default",
        arguments: SettingArgument.all,
        0..<8
    )
    func strongestSourceCounts(_ argument: SettingArgument, _ sources: Int) throws {
        let setting = argument.setting
        let samples = try #require(Self.samples[setting.key.path])
        var flags = ConfigurationFlags()
        if sources & 4 != 0 { flags.set(setting, to: samples[0]) }
        let environment = sources & 2 != 0 ? [setting.key.environmentName: samples[1]] : [:]
        let yaml = sources & 1 != 0 ? Self.yaml(setting, samples[2]) : ""
        try withConfigurationFolder { folder in
            let file = folder.appending(path: "berth.yaml").path
            try yaml.write(toFile: file, atomically: false, encoding: .utf8)
            let loaded = try BerthConfiguration.load(
                flags: flags,
                environment: environment,
                standardFile: file
            )
            let effective = try #require(loaded.settings.first { $0.key == setting.key })
            let expected: (text: String, origin: SettingOrigin) =
                switch sources {
                case 4...: (samples[0], .flag(setting.key.flagName))
                case 2...: (samples[1], .environment(setting.key.environmentName))
                case 1: (samples[2], .file(file, line: setting.key.section == nil ? 1 : 2))
                default: (setting.defaultText, .standard)
                }
            #expect(effective.text == expected.text)
            #expect(effective.origin == expected.origin)
            #expect(loaded.settings.count { $0.origin != .standard } == (sources == 0 ? 0 : 1))
        }
    }

    private static func yaml(_ setting: any SettingDefinition, _ text: String) -> String {
        let name = setting.key.components.last ?? ""
        let value = setting.shape == .list ? "[\(text)]" : text
        return setting.key.section.map { "\($0):\n  \(name): \(value)\n" } ?? "\(name): \(value)\n"
    }

    @Test("Every value of a file arrives in its own place")
    func valuesArrive() throws {
        let yaml = """
            host: "0.0.0.0"
            port: 0
            allow-remote: true
            hosts: [Registry.example, '10.0.0.1']
            url: https://registry.example:8443/
            storage: /srv/berth
            deletes: deny
            immutable: [ "v*", "release/*:*" ]
            ttl: [ "pr-*=7d", "ci/*:*=12h" ]
            retention: [ a last=1 ]
            sparse: [ "*" ]
            log: { level: warning, format: json }
            timeouts: { header: 1s, idle: 2m, stall: 3h, queue: 4s, drain: 400ms }
            limits:
              { upload-size: 512MiB, connections: 7, minimum-rate: 2KiB, uploads: 8, packagings: 9,
                expansions: 10, documents: 32MiB, sessions: 11 }
            packaging: { ca-bundle: ca.pem, zoneinfo: none, workers: 3 }
            garbage: { grace: 1h, untagged: 3d, interval: 5m }
            uploads: { expiry: 2d }
            scrub: { rate: 1MB }
            """
        let loaded = try withConfigurationFolder { folder in
            let file = folder.appending(path: "berth.yaml").path
            try yaml.write(toFile: file, atomically: false, encoding: .utf8)
            return try BerthConfiguration.load(flags: ConfigurationFlags(file: file), environment: [:])
        }
        #expect(loaded.host == (try HostName("0.0.0.0")))
        #expect(loaded.port == 0)
        #expect(loaded.allowRemote)
        #expect(loaded.hosts.map(\.text) == ["registry.example", "10.0.0.1"])
        #expect(loaded.url?.description == "https://registry.example:8443")
        #expect(loaded.storage == "/srv/berth")
        #expect(loaded.deletes == .deny)
        #expect(loaded.immutable.map(\.description) == ["v*", "release/*:*"])
        #expect(loaded.ttl.map(\.description) == ["pr-*=7d", "ci/*:*=12h"])
        #expect(loaded.sparse.map(\.description) == ["*"])
        #expect(loaded.log == .init(level: .warning, format: .json))
        let timeouts = loaded.timeouts
        #expect(
            timeouts
                == .init(
                    header: .seconds(1),
                    idle: .seconds(120),
                    stall: .seconds(10800),
                    queue: .seconds(4),
                    drain: .milliseconds(400)
                )
        )
        #expect(
            loaded.limits
                == .init(
                    uploadSize: ByteSize(bytes: 536_870_912),
                    connections: 7,
                    rate: ByteSize(bytes: 2048),
                    uploads: 8,
                    packagings: 9,
                    expansions: 10,
                    documents: ByteSize(bytes: 32 << 20),
                    sessions: 11
                )
        )
        #expect(loaded.packaging == .init(caBundle: .file("ca.pem"), timeZones: .none, workers: 3))
        #expect(
            loaded.garbage
                == .init(grace: .seconds(3600), untagged: .seconds(259_200), interval: .seconds(300))
        )
        #expect(loaded.retention.map(\.description) == ["a last=1"])
        #expect(loaded.uploads.expiry == .seconds(172_800))
        #expect(loaded.scrub.rate == ByteSize(bytes: 1_000_000))
    }

    @Test("The defaults are those that the design names")
    func defaults() throws {
        let loaded = try BerthConfiguration.load(environment: ["PATH": "/bin"], standardFile: nil)
        #expect(loaded.host.text == "127.0.0.1" && loaded.host.isLoopback)
        #expect(loaded.port == 5000)
        #expect(!loaded.allowRemote)
        #expect(loaded.hosts.isEmpty && loaded.url == nil && loaded.acceptedHosts.isEmpty)
        #expect(loaded.storage == "./storage")
        #expect(loaded.deletes == .allow && loaded.immutable.isEmpty && loaded.sparse.isEmpty)
        #expect(loaded.ttl.isEmpty)
        #expect(loaded.limits.uploadSize == nil)
        #expect(loaded.packaging == .init(caBundle: .host, timeZones: .host, workers: 0))
        #expect(loaded.timeouts.idle == .seconds(75))
        #expect(
            loaded.garbage
                == .init(grace: .seconds(86_400), untagged: .seconds(604_800), interval: .seconds(600))
        )
        #expect(loaded.retention.isEmpty)
        #expect(loaded.uploads.expiry == .seconds(604_800))
        #expect(loaded.scrub.rate == ByteSize(bytes: 8 << 20))
        #expect(loaded.file == nil)
    }

    @Test("A wrong value is a problem even where a stronger source has another one")
    func everySourceIsChecked() throws {
        var flags = ConfigurationFlags()
        flags.set(Settings.port, to: "1")
        let error = try withConfigurationFolder { folder in
            let file = folder.appending(path: "berth.yaml").path
            try "log:\n  level: loud\nport: 65536\n".write(toFile: file, atomically: false, encoding: .utf8)
            flags.file = file
            let variables = ["BERTH_PORT": "high", "BERTH_LOG_LEVEL": "info"]
            return (
                file,
                #expect(throws: ConfigurationError.self) {
                    try BerthConfiguration.load(flags: flags, environment: variables)
                }
            )
        }
        let lines = error.1?.description.components(separatedBy: "\n") ?? []
        let levels = "trace, debug, info, notice, warning, error, critical"
        #expect(
            lines == [
                "BERTH_PORT: \"high\" is not a whole number from 0 to 65535",
                "\(error.0):2:10: log.level: \"loud\" is not one of \(levels)",
                "\(error.0):3:7: port: \"65536\" is not a whole number from 0 to 65535",
            ]
        )
    }

    @Test("A wrong flag is a problem that names the flag")
    func flagsAreChecked() {
        var flags = ConfigurationFlags()
        flags.set(Settings.port, to: "-1")
        flags.set(Settings.logLevel, to: nil)
        let error = #expect(throws: ConfigurationError.self) {
            try BerthConfiguration.load(flags: flags, environment: [:], standardFile: nil)
        }
        #expect(error?.description == "--port: \"-1\" is not a whole number from 0 to 65535")
    }

    @Test("The host in url is accepted in the Host header, once")
    func acceptedHosts() throws {
        let variables = ["BERTH_URL": "https://registry.example", "BERTH_HOSTS": "a.example"]
        let loaded = try BerthConfiguration.load(environment: variables, standardFile: nil)
        #expect(loaded.acceptedHosts.map(\.text) == ["a.example", "registry.example"])
        let both = try BerthConfiguration.load(
            environment: variables.merging(["BERTH_HOSTS": "registry.example"]) { $1 },
            standardFile: nil
        )
        #expect(both.acceptedHosts.map(\.text) == ["registry.example"])
    }

    @Test(
        "Only a listener on loopback does without allow-remote",
        arguments: [
            ("127.0.0.1", false), ("127.255.1.2", false), ("::1", false), ("localhost", false),
            ("LOCALHOST", false), ("berth.localhost", false), ("::ffff:127.0.0.1", false),
            ("0.0.0.0", true), ("::", true), ("10.0.0.1", true), ("registry.example", true),
            ("localhost.example", true), ("128.0.0.1", true), ("::2", true), ("::ffff:10.0.0.1", true),
        ]
    )
    func exposure(_ host: String, _ remote: Bool) throws {
        let refused = try BerthConfiguration.load(environment: ["BERTH_HOST": host], standardFile: nil)
        #expect(refused.listensForRemote == remote)
        if remote {
            let error = #expect(throws: ConfigurationError.self) { try refused.checkExposure() }
            let problem = ConfigurationProblem(
                .environment("BERTH_HOST"),
                key: "host",
                .remoteListener(host.lowercased())
            )
            #expect(error?.problems == [problem])
        } else {
            try refused.checkExposure()
        }
        let allowed = try BerthConfiguration.load(
            environment: ["BERTH_HOST": host, "BERTH_ALLOW_REMOTE": "true"],
            standardFile: nil
        )
        try allowed.checkExposure()
    }
}
