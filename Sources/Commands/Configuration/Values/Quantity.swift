/// A whole number directly followed by a unit, such as `30s` or `512MiB`: what durations and sizes have in
/// common.
struct Quantity: Hashable, Sendable {
    let number: Int64
    let unit: String

    /// Splits a text into its decimal digits and the rest, which may not be empty.
    init(_ text: String) throws(QuantityError) {
        let digits = text.utf8.prefix { UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 }
        let unit = String(text[digits.endIndex...])
        guard !digits.isEmpty else { throw .notANumber }
        guard let number = Int64(Substring(digits)) else { throw .tooLarge }
        guard !unit.isEmpty else { throw .missingUnit(number: number) }
        guard unit.utf8.first != UInt8(ascii: ".") else { throw .fraction }
        self.number = number
        self.unit = unit
    }
}

/// Why a text is neither a duration nor a size.
enum QuantityError: Error, Hashable {
    /// It does not begin with a digit.
    case notANumber
    case missingUnit(number: Int64)
    case unknownUnit(String)
    /// The number has a decimal point.
    case fraction
    /// It does not fit into 64 bits.
    case tooLarge

    /// The error in the words of a configuration message.
    ///
    /// - Parameters:
    ///   - expectation: What a legal value is.
    ///   - units: The units there are, as a list in words.
    ///   - example: The unit that is shown where none was given.
    /// - Returns: What is wrong and what to write instead.
    func invalidValue(expectation: String, units: String, example: String) -> InvalidValue {
        switch self {
        case .notANumber, .tooLarge:
            .unexpected(expectation)
        case .missingUnit(let number):
            InvalidValue("has no unit", advice: "write \(number)\(example), or another of the units \(units)")
        case .unknownUnit:
            InvalidValue(
                "has an unknown unit",
                advice: "write one number directly followed by one of the units \(units)"
            )
        case .fraction:
            InvalidValue("is not a whole number", advice: "write it in a smaller unit; there are \(units)")
        }
    }
}
