import OCI
import Testing

@testable import Commands

@Suite("Values of the configuration")
struct ConfigurationValueTests {
    @Test(
        "Durations are a whole number with a unit",
        arguments: [
            ("500ms", .milliseconds(500)), ("0s", .zero), ("30s", .seconds(30)), ("5m", .seconds(300)),
            ("2h", .seconds(7200)), ("7d", .seconds(604_800)), ("030s", .seconds(30)), ("0ms", .zero),
            ("9223372036854775807ms", .milliseconds(Int64.max)),
        ] as [(String, Duration)]
    )
    func durations(_ text: String, _ expected: Duration) throws {
        #expect(try Duration(text: text) == expected)
    }

    @Test(
        "What is no duration is refused for its reason",
        arguments: [
            ("", .notANumber), ("s", .notANumber), ("-5s", .notANumber), ("+5s", .notANumber),
            (" 5s", .notANumber), (".5s", .notANumber), ("٥s", .notANumber), ("five", .notANumber),
            ("30", .missingUnit(number: 30)), ("0", .missingUnit(number: 0)), ("1.5h", .fraction),
            ("30 s", .unknownUnit(" s")), ("30S", .unknownUnit("S")), ("30sec", .unknownUnit("sec")),
            ("1h30m", .unknownUnit("h30m")), ("5s ", .unknownUnit("s ")), ("5s\n", .unknownUnit("s\n")),
            ("5us", .unknownUnit("us")), ("1_000s", .unknownUnit("_000s")), ("1w", .unknownUnit("w")),
            ("9223372036854775808ms", .tooLarge), ("9223372036854775807s", .tooLarge),
            ("106751991168d", .tooLarge), (String(repeating: "9", count: 10_000) + "s", .tooLarge),
        ] as [(String, QuantityError)]
    )
    func wrongDurations(_ text: String, _ expected: QuantityError) {
        #expect(throws: expected) { try Duration(text: text) }
    }

    @Test("A duration of any number of milliseconds survives being written")
    func durationsRoundTrip() throws {
        let seed = UInt64.random(in: 0...UInt64.max)
        var generator = ConfigurationNoise(seed: seed)
        for _ in 0..<2000 {
            let unit: Int64 = [1, 1000, 60_000, 3_600_000, 86_400_000].randomElement(using: &generator) ?? 1
            let duration = Duration.milliseconds(Int64.random(in: 0...1_000_000, using: &generator) * unit)
            let text = duration.text
            #expect(try Duration(text: text) == duration, "\(text), seed \(seed)")
        }
    }

    @Test(
        "Sizes are a whole number with a unit, in steps of 1000 or 1024",
        arguments: [
            ("0B", 0), ("1B", 1), ("1kB", 1000), ("1KiB", 1024), ("10MB", 10_000_000),
            ("512MiB", 536_870_912),
            ("10GB", 10_000_000_000), ("4GiB", 4_294_967_296), ("2TB", 2_000_000_000_000),
            ("1TiB", 1_099_511_627_776), ("9223372036854775807B", Int64.max),
        ] as [(String, Int64)]
    )
    func sizes(_ text: String, _ bytes: Int64) throws {
        #expect(try ByteSize(text) == ByteSize(bytes: bytes))
    }

    @Test(
        "What is no size is refused for its reason",
        arguments: [
            ("", .notANumber), ("none", .notANumber), ("-1B", .notANumber), ("MiB", .notANumber),
            ("512", .missingUnit(number: 512)), ("1.5GiB", .fraction), ("512M", .unknownUnit("M")),
            ("512m", .unknownUnit("m")), ("512Mi", .unknownUnit("Mi")), ("512mib", .unknownUnit("mib")),
            ("1KB", .unknownUnit("KB")), ("10 GB", .unknownUnit(" GB")), ("1e3B", .unknownUnit("e3B")),
            ("9223372036854775808B", .tooLarge), ("8388608TiB", .tooLarge),
            ("9223372036854775807kB", .tooLarge),
        ] as [(String, QuantityError)]
    )
    func wrongSizes(_ text: String, _ expected: QuantityError) {
        #expect(throws: expected) { try ByteSize(text) }
    }

    @Test("A size of any number of bytes survives being written")
    func sizesRoundTrip() throws {
        let seed = UInt64.random(in: 0...UInt64.max)
        var generator = ConfigurationNoise(seed: seed)
        for _ in 0..<2000 {
            let unit: Int64 =
                [1, 1000, 1024, 1_000_000, 1 << 20, 1 << 30].randomElement(using: &generator) ?? 1
            let size = ByteSize(bytes: Int64.random(in: 0...1_000_000, using: &generator) * unit)
            #expect(try ByteSize(size.description) == size, "\(size), seed \(seed)")
        }
    }

    @Test(
        "Whole numbers are decimal digits within their range",
        arguments: [
            "", " 5", "5 ", "+5", "-1", "007", "-0", "0x10", "0b1", "0o7", "1_000", "5.0", "5e3", "five",
            "65536",
            "٥", "５", "99999999999999999999", "5\n",
        ]
    )
    func wrongIntegers(_ text: String) {
        let invalid = InvalidValue("is not a whole number from 0 to 65535")
        #expect(throws: invalid) { try Settings.port.check(text) }
    }

    @Test("The ends of a range of whole numbers belong to it", arguments: ["0", "1", "65535"])
    func integers(_ text: String) throws {
        #expect(String(try Settings.port.type.parse(text)) == text)
    }

    @Test(
        "Booleans are true and false, and the other words for them are told so",
        arguments: [
            ("yes", "write true"), ("on", "write true"), ("1", "write true"), ("True", "write true"),
            ("TRUE", "write true"), ("no", "write false"), ("Off", "write false"), ("0", "write false"),
            ("False", "write false"), ("", nil), ("maybe", nil), (" true", nil),
        ] as [(String, String?)]
    )
    func wrongBooleans(_ text: String, _ advice: String?) {
        let invalid = InvalidValue("is not true or false", advice: advice)
        #expect(throws: invalid) { try Settings.allowRemote.check(text) }
    }

    @Test("A duration or a size outside the range of its setting is refused")
    func ranges() {
        for (setting, texts) in [
            (Settings.idleTimeout as any SettingDefinition, ["0s", "0ms", "25h", "2d"]),
            (Settings.drainTimeout, ["25h"]), (Settings.grace, ["3651d"]),
            (Settings.uploadExpiry, ["999ms", "3651d"]),
            (Settings.uploadSize, ["0B", "1025TiB"]),
        ] {
            for text in texts {
                let invalid = InvalidValue("is not \(setting.expectation)")
                #expect(throws: invalid, "\(setting.key) \(text)") { try setting.check(text) }
            }
        }
    }

    @Test("`none` is a value only where a setting says so")
    func none() throws {
        for setting in Settings.all where setting.allowsNone {
            try setting.check("none")
            #expect(throws: InvalidValue.self) { try setting.check("None") }
        }
        #expect(
            Settings.all.filter(\.allowsNone).map(\.key.path) == [
                "url", "limits.upload-size", "limits.minimum-rate", "garbage.untagged", "scrub.rate",
            ]
        )
        #expect(try Settings.caBundle.type.parse("none") == .none)
        #expect(try Settings.timeZones.type.parse("none") == .none)
        #expect(throws: InvalidValue.self) { try Settings.idleTimeout.check("none") }
    }

    @Test(
        "A path is anything but empty, with control characters or with a home folder's sign",
        arguments: ["", "~", "~/berth", "~berth", "a\0b", "a\nb", "\u{7F}", "\u{85}"]
    )
    func wrongPaths(_ text: String) {
        #expect(throws: InvalidValue.self) { try Settings.storage.check(text) }
        #expect(throws: InvalidValue.self) { try Settings.caBundle.check(text) }
        #expect(throws: InvalidValue.self) { try Settings.timeZones.check(text) }
    }

    @Test(
        "A path is taken as it is",
        arguments: ["/", ".", "a b", "./~x", "a/../b", "$HOME", "Größe", "none "]
    )
    func paths(_ text: String) throws {
        #expect(try Settings.storage.type.parse(text) == text)
        #expect(try Settings.caBundle.type.parse(text) == .file(text))
        #expect(try Settings.timeZones.type.parse(text) == .folder(text))
    }
}
