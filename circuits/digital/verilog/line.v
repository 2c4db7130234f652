// A control line that is high from START to END, counted in clocks of `t`; a half adds half a clock to its edge.
// It leaves a flip-flop or one gate whose inputs change one at a time, so it has no glitches.
module line #(
    parameter BITS = 8,
    parameter [BITS-1:0] START = 0,
    parameter [BITS-1:0] END = 1,
    parameter START_HALF = 0,
    parameter END_HALF = 0
) (
    input wire clk,
    input wire reset_n,
    input wire [BITS-1:0] t,
    output wire q
);
    localparam IDLE = START == 0 && !START_HALF;  // a line that is high from the beginning is high between inferences
    reg whole;
    always @(posedge clk or negedge reset_n)
        if (!reset_n) whole <= IDLE;
        else if (t == END) whole <= 1'b0;
        else if (t == START) whole <= 1'b1;

    generate
        if (START_HALF || END_HALF) begin : halves
            reg half;
            // Cleared even where the line is high: `whole` keeps it so. The library has no flip-flop of the falling edge that is set.
            always @(negedge clk or negedge reset_n)
                if (!reset_n) half <= 1'b0;
                else half <= whole;
            if (!START_HALF) assign q = whole | half;
            else if (!END_HALF) assign q = whole & half;
            else assign q = half;
        end else assign q = whole;
    endgenerate
endmodule
