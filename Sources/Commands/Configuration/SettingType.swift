import OCI

/// How the text of a setting becomes a value.
///
/// One parser serves files, variables and flags, so that a value has the same spelling everywhere.
struct SettingType<Value: Sendable>: Sendable {
    let shape: SettingShape
    /// What a legal value is, in a few words that follow "is not".
    let expectation: String
    let allowsNone: Bool
    let parse: @Sendable (String) throws(InvalidValue) -> Value

    init(
        _ shape: SettingShape = .text,
        expectation: String,
        allowsNone: Bool = false,
        parse: @escaping @Sendable (String) throws(InvalidValue) -> Value
    ) {
        self.shape = shape
        self.expectation = expectation
        self.allowsNone = allowsNone
        self.parse = parse
    }

    /// The same type, where the word `none` stands for no value.
    var orNone: SettingType<Value?> {
        let (parse, expectation) = (parse, expectation)
        let wider = "\(expectation), or none"
        return SettingType<Value?>(shape, expectation: wider, allowsNone: true) {
            (text: String) throws(InvalidValue) -> Value? in
            guard text != "none" else { return nil }
            do throws(InvalidValue) {
                return try parse(text)
            } catch {
                throw error == .unexpected(expectation) ? .unexpected(wider) : error
            }
        }
    }
}

extension SettingType<Int> {
    /// A whole number in decimal digits: no sign but a minus, no underscores, no other base, no leading zero.
    static func integer(_ range: ClosedRange<Int>) -> SettingType {
        let expectation = "a whole number from \(range.lowerBound) to \(range.upperBound)"
        return SettingType(.integer, expectation: expectation) { (text: String) throws(InvalidValue) -> Int in
            // Only the canonical spelling survives the round trip: `Int` also reads `+5` and `007`.
            guard let number = Int(text), String(number) == text, range.contains(number) else {
                throw InvalidValue.unexpected(expectation)
            }
            return number
        }
    }
}

extension SettingType<Bool> {
    /// `true` or `false`, and none of the other words that YAML has had for them.
    static var boolean: SettingType {
        let expectation = "true or false"
        return SettingType(.boolean, expectation: expectation) {
            (text: String) throws(InvalidValue) -> Bool in
            switch text {
            case "true": return true
            case "false": return false
            default: break
            }
            switch text.lowercased() {
            case "yes", "on", "1", "true", "y":
                throw InvalidValue.unexpected(expectation, advice: "write true")
            case "no", "off", "0", "false", "n":
                throw InvalidValue.unexpected(expectation, advice: "write false")
            default:
                throw InvalidValue.unexpected(expectation)
            }
        }
    }
}

extension SettingType where Value: RawRepresentable<String> & CaseIterable {
    /// One of the words that name the cases of `Value`.
    static var choice: SettingType {
        let expectation = "one of " + Value.allCases.map(\.rawValue).joined(separator: ", ")
        return SettingType(expectation: expectation) { (text: String) throws(InvalidValue) -> Value in
            guard let value = Value(rawValue: text) else { throw InvalidValue.unexpected(expectation) }
            return value
        }
    }
}

extension SettingType<Duration> {
    static func duration(_ range: ClosedRange<Duration>) -> SettingType {
        let bounds = "\(range.lowerBound.text) to \(range.upperBound.text)"
        let expectation = "a duration from \(bounds), such as 30s"
        return SettingType(expectation: expectation) { (text: String) throws(InvalidValue) -> Duration in
            let duration: Duration
            do throws(QuantityError) {
                duration = try Duration(text: text)
            } catch {
                throw error.invalidValue(expectation: expectation, units: "ms, s, m, h or d", example: "s")
            }
            guard range.contains(duration) else { throw InvalidValue.unexpected(expectation) }
            return duration
        }
    }
}

extension SettingType<ByteSize> {
    static func byteSize(_ range: ClosedRange<ByteSize>) -> SettingType {
        let expectation = "a size from \(range.lowerBound) to \(range.upperBound), such as 512MiB"
        return SettingType(expectation: expectation) { (text: String) throws(InvalidValue) -> ByteSize in
            let size: ByteSize
            do throws(QuantityError) {
                size = try ByteSize(text)
            } catch {
                throw error.invalidValue(
                    expectation: expectation,
                    units: "B, kB, MB, GB, TB, KiB, MiB, GiB or TiB",
                    example: "MiB"
                )
            }
            guard range.contains(size) else { throw InvalidValue.unexpected(expectation) }
            return size
        }
    }
}
