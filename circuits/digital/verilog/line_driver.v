// A control line and its complement, as the cells of line_driver_cells.v have them.
module line_driver (
    input  wire a,
    output wire x,
    output wire x_b
);
    assign x = a;
    assign x_b = ~a;
endmodule
