import OCI

extension QuantityError {
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
