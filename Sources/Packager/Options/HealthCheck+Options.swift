import OCI

extension HealthCheck {
    /// Engines take nothing shorter than a millisecond; a day is no check any more.
    private static let durations = Duration.milliseconds(1)...Duration.seconds(86_400)

    /// The largest number of failures that somebody can mean.
    private static let maximumRetries = 1000

    /// The options that make a check, while they are read.
    struct Options {
        private var words: [String] = []
        private var check = HealthCheck(test: [])
        /// One that is of no use without a command.
        private var detail: (name: PackagingOptions.Name, value: String)?

        /// Takes an option, if it is one of a health check.
        mutating func take(
            _ name: PackagingOptions.Name,
            _ value: String
        ) throws(PackagingOptionError) -> Bool {
            func duration() throws(PackagingOptionError) -> Duration {
                try PackagingOptions.duration(name, value, within: HealthCheck.durations)
            }
            switch name {
            case .healthCommand:
                words.append(value)
                return true
            case .healthInterval: check.interval = try duration()
            case .healthTimeout: check.timeout = try duration()
            case .healthStartPeriod: check.startPeriod = try duration()
            case .healthRetries:
                guard let number = Int(value), (1...HealthCheck.maximumRetries).contains(number),
                    String(number) == value
                else {
                    throw .invalid(name, value, "it is a number from 1 to \(HealthCheck.maximumRetries)")
                }
                check.retries = number
            default: return false
            }
            detail = (name, value)
            return true
        }

        /// The check; nil where no option has said anything of one.
        func finished() throws(PackagingOptionError) -> HealthCheck? {
            guard let first = words.first else {
                guard let detail else { return nil }
                throw .invalid(detail.name, detail.value, "it says how to run health-cmd, which is not given")
            }
            var check = self.check
            let command = words.count == 1 ? try Self.split(first) : words
            try Self.validate(command)
            // As it stands: an empty image has no shell that could read it.
            check.test = ["CMD"] + command
            return check
        }

        /// A command written in one piece, whose words are divided by spaces.
        private static func split(_ text: String) throws(PackagingOptionError) -> [String] {
            let special = text.first { "|&;<>()$`\\\"'*?[]{}#~!\n\r\t".contains($0) }
            if let special {
                throw .invalid(
                    .healthCommand,
                    text,
                    """
                    the image has no shell, to which '\(String(special).printable)' would mean something; give \
                    the program and each argument as a health-cmd of its own
                    """
                )
            }
            return text.split(separator: " ").map(String.init)
        }

        private static func validate(_ command: [String]) throws(PackagingOptionError) {
            let text = command.joined(separator: " ")
            let program = command.first ?? ""
            let shells = ["sh", "bash", "dash", "ash", "zsh", "ksh"]
            let name = program.split(separator: "/").last.map(String.init) ?? ""
            guard !["CMD", "CMD-SHELL", "NONE"].contains(program), !shells.contains(name) else {
                throw .invalid(
                    .healthCommand,
                    text,
                    """
                    it is run without a shell, which the image does not have; give the program and its \
                    arguments, such as /app -health
                    """
                )
            }
            guard program.hasPrefix("/"), program.utf8.count > 1 else {
                throw .invalid(
                    .healthCommand,
                    text,
                    "it begins with the absolute path of a program in the image, such as /app -health"
                )
            }
        }
    }
}
