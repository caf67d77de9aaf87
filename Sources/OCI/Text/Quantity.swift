/// A whole number directly followed by a unit, such as `30s` or `512MiB`: what durations and sizes have in
/// common.
package struct Quantity: Hashable, Sendable {
    package let number: Int64
    package let unit: String

    /// Splits a text into its decimal digits and the rest, which may not be empty.
    package init(_ text: String) throws(QuantityError) {
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
package enum QuantityError: Error, Hashable {
    /// It does not begin with a digit.
    case notANumber
    case missingUnit(number: Int64)
    case unknownUnit(String)
    /// The number has a decimal point.
    case fraction
    /// It does not fit into 64 bits.
    case tooLarge
}
