import OCI
import Testing

@testable import Packager

@Suite("Options")
struct PackagingOptionsTests {
    @Test("Nothing said is the defaults")
    func defaults() throws {
        let options = try PackagingOptions([])
        #expect(options == PackagingOptions())
        #expect(options.entrypoint == nil)
        #expect(options.user.description == "65532:65532")
        #expect(options.workingDirectory == "/")
    }

    @Test(
        "Users are numbers, or the names that the image knows, which become numbers",
        arguments: [
            ("0", "0"), ("1000", "1000"), ("1000:0", "1000:0"),
            ("2147483647:2147483647", "2147483647:2147483647"),
            ("root", "0:0"), ("nonroot", "65532:65532"), ("nobody", "65534:65534"),
            ("nonroot:root", "65532:0"),
            ("1000:nobody", "1000:65534"),
        ]
    )
    func users(value: String, expected: String) throws {
        #expect(try PackagingOptions([("user", value)]).user.description == expected)
    }

    @Test(
        "Ports are numbers with a protocol",
        arguments: [("80", "80/tcp"), ("65535/tcp", "65535/tcp"), ("53/udp", "53/udp"), ("9/sctp", "9/sctp")]
    )
    func ports(value: String, expected: String) throws {
        #expect(try PackagingOptions([("port", value)]).ports.map(\.description) == [expected])
    }

    @Test("A build is a name, and what it waits for a list of platforms in the order of their names")
    func builds() throws {
        let options = try PackagingOptions([
            ("expect", "linux/arm64,linux/arm/v7,linux/amd64"), ("build", "ci/17#2"),
        ])
        #expect(options.build == "ci/17#2")
        #expect(options.expected.map(\.description) == ["linux/amd64", "linux/arm/v7", "linux/arm64"])
        for wrong in [
            [("build", "")], [("build", "a b")], [("build", "é")],
            [("build", String(repeating: "a", count: 256))],
            [("build", "1"), ("expect", "")],
            [("build", "1"), ("expect", "linux")],
            [("build", "1"), ("expect", "linux/amd64,")], [("build", "1"), ("expect", "a/b,a/b")],
            [("build", "1"), ("expect", "a/b/c/d")], [("build", "1"), ("build", "1")],
        ] {
            #expect(throws: PackagingOptionError.self, "\(wrong)") { try PackagingOptions(wrong) }
        }
    }

    @Test("A switch is on or off, in the usual words")
    func switches() throws {
        for value in ["on", "1", "true", "yes", ""] {
            #expect(try PackagingOptions([("ca", value)]).certificates == true)
            #expect(try PackagingOptions([("dry-run", value)]).isDryRun)
        }
        for value in ["off", "0", "false", "no"] {
            #expect(try PackagingOptions([("ca", value)]).certificates == false)
        }
        #expect(try PackagingOptions([("base", "none")]).base == .none)
        #expect(try PackagingOptions([("base", "default")]).base == .default)
    }

    @Test(
        "A health check is a command without a shell, in one piece or in words",
        arguments: [
            (["health-cmd=/app -health"], ["CMD", "/app", "-health"]),
            (["health-cmd=/app", "health-cmd=-url", "health-cmd=a b|c"], ["CMD", "/app", "-url", "a b|c"]),
            (["health-cmd=/bin/app  --x=1"], ["CMD", "/bin/app", "--x=1"]),
        ]
    )
    func healthCommands(options: [String], test: [String]) throws {
        #expect(try PackagingOptions(pairs(options)).healthCheck == HealthCheck(test: test))
    }

    @Test("A health check has times and a number of failures, in any order")
    func healthTimes() throws {
        let check = try PackagingOptions(
            pairs([
                "health-retries=2", "health-timeout=500ms", "health-cmd=/app", "health-interval=1m",
                "health-start-period=2s",
            ])
        ).healthCheck
        #expect(
            check?.json.canonicalBytes
                == Array(
                    #"{"Test":["CMD","/app"],"Interval":60000000000,"Timeout":500000000,"StartPeriod":2000000000,"Retries":2}"#
                        .utf8
                )
        )
    }

    @Test("Nothing is compressed better where nothing is compressed")
    func levels() throws {
        #expect(try PackagingOptions(pairs(["level=best"])).level == .best)
        #expect(throws: PackagingOptionError.self) {
            try PackagingOptions(pairs(["level=best", "compress=none"]))
        }
    }

    @Test("What was understood is told in one order, whatever order it was said in")
    func echo() throws {
        let said = [
            "ttl=90m", "cmd=b", "env=A=1", "cmd=a", "annotation=x=1", "health-cmd=/app -health", "sbom=spdx",
        ]
        let options = try PackagingOptions(pairs(said))
        let document = String(decoding: options.json.canonicalBytes, as: UTF8.self)
        #expect(
            document == """
                {"cmd":["b","a"],"env":["A=1"],"annotation":{"x":"1"},"user":"65532:65532","workdir":"/",\
                "health-cmd":["/app","-health"],"base":"default","ca":true,"tz":false,"compress":"gzip",\
                "level":"fast","sbom":["spdx"],"ttl":"90m","immutable":false,"dry-run":false}
                """
        )
    }

    @Test("Repeated options keep their order, and empty arguments")
    func order() throws {
        let options = try PackagingOptions(
            pairs([
                "cmd=b", "entrypoint=/x", "cmd=", "env=B=", "entrypoint=", "cmd=a", "env=A_1.x-y==1=",
                "workdir=/",
            ])
        )
        #expect(options.command == ["b", "", "a"])
        #expect(options.entrypoint == ["/x", ""])
        #expect(options.environment.map(\.description) == ["B=", "A_1.x-y==1="])
    }

    private static let invalid: [String] = [
        "entrypoint=", "entrypoint=a\0b", "cmd=\0",
        "env=A", "env==x", "env=", "env=1A=x", "env=A B=x", "env=Ä=x", "env=-A=x", "env=A=\0",
        "env=\(String(repeating: "A", count: 256))=x",
        "port=", "port=0", "port=65536", "port=080", "port=-1", "port=+1", "port=80/", "port=80/TCP",
        "port=80/http",
        "port=80/tcp/udp", "port=8o", "port= 80", "port=80-90", "port=99999999999999999999999", "port=٣",
        "label=", "label=x", "label==v", "label=a b=v", "label=\u{E9}=v",
        "label=\(String(repeating: "k", count: 256))=v",
        "user=", "user=-1", "user=+1", "user=01", "user=1:", "user=:1", "user=1:2:3", "user=2147483648",
        "user=alice",
        "user=1:alice", "user=1.5", "user= 1", "user=99999999999999999999",
        "workdir=", "workdir=data", "workdir=./data", "workdir=/a/../b", "workdir=/..", "workdir=/a/./b",
        "workdir=/\(String(repeating: "a", count: 4096))", "workdir=/a\0",
        "annotation=", "annotation=x", "annotation==v", "annotation=berth.recipe=9", "annotation=a b=v",
        "platform=", "platform=linux", "platform=linux/amd64/v3", "platform=linux/amd64/", "platform=a/b/c/d",
        "platform=Linux/AMD64", "platform=linux/amd64,linux/arm64",
        "created=", "created=today", "created=2026-11-23", "created=2026-02-30T00:00:00Z",
        "created=2026-11-23T09:31:24+01:00", "created=1969-12-31T23:59:59Z", "created=2026-11-23T24:00:00Z",
        "name=", "name=a/b", "name=..", "name=.app", "name=a b", "name=etc", "name=\u{E9}",
        "name=\(String(repeating: "a", count: 256))",
        "tz=maybe", "compress=", "compress=xz", "compress=GZIP", "level=", "level=9", "sbom=", "sbom=yes",
        "sbom=spdx,cyclonedx", "immutable=never", "dry-run=perhaps",
        "ttl=", "ttl=2", "ttl=-1h", "ttl=0s", "ttl=500ms", "ttl=1.5h", "ttl=2w", "ttl=3651d",
        "ttl=99999999999999999999d",
        "health-cmd=", "health-cmd= ", "health-cmd=app", "health-cmd=./app", "health-cmd=/",
        "health-cmd=/app | grep ok", "health-cmd=/app && true", "health-cmd=/app $HOME",
        "health-cmd=/app 'a b'", "health-cmd=/app\nx", "health-cmd=sh -c x", "health-cmd=/bin/sh",
        "health-cmd=CMD-SHELL /app", "health-cmd=CMD /app", "health-cmd=NONE",
        "health-cmd=[\"/app\",\"-health\"]",
        "health-interval=30s", "health-interval=", "health-timeout=0s", "health-timeout=25h",
        "health-start-period=1", "health-retries=0", "health-retries=03", "health-retries=1001",
        "health-retries=three",
        "base=", "base=Default", "base=debian", "ca=ON", "ca=maybe", "ca=2",
    ]

    @Test("A value that an option does not take is an error that names it", arguments: invalid)
    func invalidValues(option: String) throws {
        let error = #expect(throws: PackagingOptionError.self) { try PackagingOptions(pairs([option])) }
        guard case .invalid(let name, _, let rule) = error else {
            Issue.record("another error: \(String(describing: error))")
            return
        }
        #expect(option.hasPrefix(name.rawValue + "="))
        let message = error?.description ?? ""
        #expect(message.contains("'\(name.rawValue)'") && message.hasSuffix(rule))
        #expect(message.unicodeScalars.allSatisfy { $0.value >= 0x20 && $0.value != 0x7F })
        #expect(message.count < 400)
    }

    @Test(
        "What is said once is not said twice",
        arguments: [
            ["user=1", "user=1"], ["workdir=/a", "workdir=/b"], ["base=none", "base=none"],
            ["ca=on", "ca=off"], ["platform=linux/arm", "platform=linux/arm"], ["ttl=1h", "ttl=2h"],
            ["sbom=spdx", "sbom=cyclonedx"], ["health-retries=1", "health-retries=1"],
            ["dry-run=", "dry-run="],
        ]
    )
    func repeated(options: [String]) throws {
        let error = #expect(throws: PackagingOptionError.self) { try PackagingOptions(pairs(options)) }
        guard case .repeated = error else {
            Issue.record("another error: \(String(describing: error))")
            return
        }
    }

    @Test("A variable or label is set once")
    func contradictions() throws {
        #expect(throws: PackagingOptionError.self) { try PackagingOptions(pairs(["env=A=1", "env=A=2"])) }
        #expect(throws: PackagingOptionError.self) {
            try PackagingOptions(pairs(["label=a=1", "label=a=1"]))
        }
        #expect(try PackagingOptions(pairs(["env=A=1", "env=a=2"])).environment.count == 2)
    }

    @Test("There are limits to how often and how much")
    func limits() throws {
        let many = (0..<PackagingOptions.Limit.repetitions).map { ("cmd", "\($0)") }
        #expect(try PackagingOptions(many).command.count == PackagingOptions.Limit.repetitions)
        #expect(throws: PackagingOptionError.tooMany(.command)) {
            try PackagingOptions(many + [("cmd", "x")])
        }
        let long = String(repeating: "x", count: PackagingOptions.Limit.valueSize)
        #expect(try PackagingOptions([("cmd", long)]).command == [long])
        #expect(throws: PackagingOptionError.tooLong(.command)) {
            try PackagingOptions([("cmd", long + "x")])
        }
        let total = (0..<8).map { _ in ("cmd", long) }
        #expect(try PackagingOptions(total).command.count == 8)
        #expect(throws: PackagingOptionError.tooLong(.label)) {
            try PackagingOptions(total + [("label", "a=b")])
        }
    }

    @Test(
        "An unknown option is an error that names the nearest and all there are",
        arguments: [
            ("entrypont", "entrypoint"), ("entry-point", "entrypoint"), ("Entrypoint", "entrypoint"),
            ("entry", "entrypoint"), ("command", nil), ("environment", "env"), ("envs", "env"),
            ("labels", "label"),
            ("ports", "port"), ("expose", nil), ("work_dir", "workdir"), ("workdri", "workdir"),
            ("usr", "user"),
            ("username", "user"), ("bas", "base"), ("", nil), ("x", nil), ("cert", nil),
            (String(repeating: "p", count: 10_000), nil), ("\u{1B}[31m", nil),
        ] as [(String, String?)]
    )
    func unknown(name: String, nearest: String?) throws {
        let error = #expect(throws: PackagingOptionError.unknown(name)) {
            try PackagingOptions([(name, "x")])
        }
        let message = error?.description ?? ""
        if let nearest {
            #expect(message.contains("(did you mean '\(nearest)'?)"))
        } else {
            #expect(!message.contains("did you mean"))
        }
        let names = PackagingOptions.Name.allCases.map(\.rawValue)
        #expect(message.hasSuffix("there are " + names.joined(separator: ", ")))
        #expect(message.count < 600 && !message.contains("\u{1B}"))
    }

    @Test("Random options have an answer", arguments: [UInt64.random(in: 0...UInt64.max)])
    func random(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        let names = PackagingOptions.Name.allCases.map(\.rawValue)
        let alphabet = Array("=/:.-_ 0189aZ\0\n\u{E9}\u{1F6A2},;%")
        for _ in 0..<20_000 {
            let options = (0..<Int.random(in: 0...4, using: &random)).map { _ in
                let length = Int.random(in: 0...12, using: &random)
                let value = String((0..<length).map { _ in alphabet.randomElement(using: &random) ?? "x" })
                return (name: names.randomElement(using: &random) ?? value, value: value)
            }
            do {
                let parsed = try PackagingOptions(options)
                #expect(parsed.workingDirectory.hasPrefix("/"), "seed \(seed)")
            } catch {
                #expect(!error.description.contains("\n"), "seed \(seed)")
            }
        }
    }
}
